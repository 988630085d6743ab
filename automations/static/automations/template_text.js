/* A text of an email, written as it will look, or as HTML. */
(() => {
  const TAGS = new Set(
    ("a b blockquote br em h2 h3 hr i li ol p s small span strong sub sup table tbody td th thead tr u ul").split(" "),
  );
  const ATTRIBUTES = new Set(["href", "title", "colspan"]);
  const SAFE_LINK = /^(https?:|mailto:|[^a-z]|[a-z]*$)/i;

  /* What the server would leave of it; nothing of the rest comes into this page. */
  const cleaned = (html) => {
    const template = document.createElement("template");
    // The page's policy refuses handlers even here, and says so.
    template.innerHTML = html.replace(/<[^>]*>/g, (tag) => tag.replace(/\son\w+\s*=/gi, " data-on="));
    for (const element of [...template.content.querySelectorAll("*")]) {
      if (["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT"].includes(element.tagName)) {
        element.remove();
        continue;
      }
      for (const { name, value } of [...element.attributes]) {
        const isLink = name !== "href" || SAFE_LINK.test(value.trim());
        if (!ATTRIBUTES.has(name) || !isLink) element.removeAttribute(name);
      }
      if (!TAGS.has(element.localName)) {
        // Browsers make a block of each line.
        const isLine = element.localName === "div";
        element.replaceWith(...element.childNodes, ...(isLine ? [document.createElement("br")] : []));
      }
    }
    return template.innerHTML;
  };

  const richText = (block) => ({
    block,
    text: null,
    isSource: false,
    isLinking: false,
    range: null,
    commands: [
      ["bold", "Bold", "format_bold"],
      ["italic", "Italic", "format_italic"],
      ["insertUnorderedList", "List", "format_list_bulleted"],
      ["insertOrderedList", "Numbered list", "format_list_numbered"],
    ],

    init() {
      const text = this.$el.querySelector("[contenteditable]");
      this.text = text;
      document.execCommand("defaultParagraphSeparator", false, "p");
      text.innerHTML = cleaned(this.block.html);
      text.addEventListener("input", () => this.write());
      text.addEventListener("paste", (event) => {
        event.preventDefault();
        document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
      });
      text.addEventListener("drop", (event) => event.preventDefault());
    },

    label(name) {
      this.text.setAttribute("aria-label", name);
    },
    write() {
      const html = this.text.innerHTML;
      this.block.html = html === "<br>" ? "" : html;
    },
    run(command) {
      this.text.focus();
      document.execCommand(command);
      this.write();
    },

    /* The selection is kept while the address is written. */
    beginLink() {
      const selection = window.getSelection();
      const isHere = selection.rangeCount && this.text.contains(selection.anchorNode);
      if (!isHere) this.text.focus();
      this.range = window.getSelection().rangeCount ? window.getSelection().getRangeAt(0) : null;
      this.isLinking = true;
      this.$nextTick(() => this.$refs.address.focus());
    },
    endLink() {
      this.isLinking = false;
      this.$refs.address.value = "";
      this.text.focus();
    },
    setLink() {
      const address = this.$refs.address.value.trim();
      const range = this.range;
      this.endLink();
      if (!address || !range) return;
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      const link = document.createElement("a");
      link.setAttribute("href", address);
      if (range.collapsed) link.textContent = address;
      else link.append(range.extractContents());
      range.insertNode(link);
      this.write();
    },

    toggleSource() {
      this.isSource = !this.isSource;
      if (!this.isSource) {
        this.text.innerHTML = cleaned(this.block.html);
        this.write();
      }
    },
  });

  document.addEventListener("alpine:init", () => {
    window.Alpine.data("richText", richText);
  });
})();
