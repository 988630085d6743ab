/* A rich editor for each <textarea data-rich> whose text it holds unchanged; else the source stays.

   The textarea is what the form sends, and only what somebody does in the editor is written into it:
   so opening and saving changes no byte. Below the texts stands what saving them would change. */
(() => {
  const { Trix } = window;
  const BLOCKS = "p,h2,h3,h4,ul,ol,li,blockquote,table,thead,tbody,tr,td,th,hr,br,div";
  const DELAY = 400;

  // Paragraphs as the texts have them, and nothing that cleaning takes away.
  const blocks = Trix.config.blockAttributes;
  blocks.default.tagName = "p";
  blocks.default.breakOnReturn = true;
  for (const name of ["heading2", "heading3", "heading4"]) {
    blocks[name] = { tagName: `h${name.at(-1)}`, terminal: true, breakOnReturn: true, group: false };
  }
  delete blocks.heading1;
  delete blocks.code;
  delete Trix.config.textAttributes.strike;

  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

  /* A text as it is compared: white space and the rel that cleaning gives to links say nothing. */
  const normal = (html) => {
    const body = parsed(html);
    const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    const isBlock = (node) => !node || (node.nodeType === 1 && node.matches(BLOCKS));
    for (const text of texts) {
      text.data = text.data.replace(/[ \t\r\n\f]+/g, " ");
      if (isBlock(text.previousSibling)) text.data = text.data.replace(/^ /, "");
      if (isBlock(text.nextSibling)) text.data = text.data.replace(/ $/, "");
      if (!text.data) text.remove();
    }
    for (const link of body.querySelectorAll("a[rel]")) link.removeAttribute("rel");
    return body.innerHTML;
  };

  /* Pasted HTML as new elements of the few kinds that the editor knows. Trix 2.1.1 has holes where
     it reads HTML from elsewhere: it gets none but this. */
  const KEPT = { B: "strong", STRONG: "strong", I: "em", EM: "em", A: "a", P: "p", DIV: "p" };
  for (const name of ["H2", "H3", "UL", "OL", "LI", "BR"]) KEPT[name] = name.toLowerCase();
  const FORGOTTEN = "script,style,template,noscript,iframe,object,svg,math,title,head";
  const harmless = (node, into) => {
    for (const child of node.childNodes) {
      if (child.nodeType === 3) into.append(child.data);
      if (child.nodeType !== 1 || child.matches(FORGOTTEN)) continue;
      let target = into;
      if (child.tagName in KEPT) {
        target = document.createElement(KEPT[child.tagName]);
        const href = child.getAttribute("href") || "";
        if (child.tagName === "A" && /^(https?|mailto|tel):/i.test(href)) target.href = href;
        into.append(target);
      }
      harmless(child, target);
    }
    return into;
  };

  /* Whether a text has nothing but what Trix holds. It has holes where it reads attributes of its own
     and addresses that run: a text with others, however it came into the database, it never gets. */
  const HELD = "p,br,strong,em,a,h2,h3,h4,ul,ol,li,blockquote";
  const LEADS = ["http:", "https:", "mailto:", "tel:"];
  const schemeOf = (address) => {
    try {
      return new URL(address, location.href).protocol;
    } catch {
      return "";
    }
  };
  const isHeld = (html) => {
    const { head, body } = new DOMParser().parseFromString(html, "text/html");
    const isFine = ({ name, value }) =>
      name === "rel" || (name === "href" && LEADS.includes(schemeOf(value)));
    return (
      !head.childElementCount &&
      [...body.querySelectorAll("*")].every((one) => one.matches(HELD) && [...one.attributes].every(isFine))
    );
  };

  const guard = (element, holder) => {
    const stop = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    holder.addEventListener(
      "paste",
      (event) => {
        stop(event);
        const html = event.clipboardData.getData("text/html");
        const text = event.clipboardData.getData("text/plain");
        if (html) element.editor.insertHTML(harmless(parsed(html), document.createElement("div")).innerHTML);
        else element.editor.insertString(text);
      },
      true,
    );
    holder.addEventListener("drop", stop, true);
    element.addEventListener("trix-file-accept", (event) => event.preventDefault());
    element.addEventListener("trix-attachment-add", (event) => event.attachment.remove());
  };

  const labelOf = (textarea) => document.querySelector(`label[for="${textarea.id}"]`);

  const showSource = (textarea, box) => {
    box.remove();
    const why = document.createElement("p");
    why.className = "leading-relaxed mb-2 text-subtle text-xs";
    why.dataset.why = "";
    why.textContent =
      "Shown as HTML, because the editor would change what is in this text, such as a table, or a link that opens in a new window.";
    textarea.before(why);
    textarea.hidden = false;
  };

  const showEditor = (textarea, box, element) => {
    const source = textarea.value;
    const loaded = element.value;
    let latest = loaded;
    box.hidden = false;
    element.addEventListener("trix-change", () => {
      if (element.value === latest) return;
      latest = element.value;
      textarea.value = latest === loaded ? source : latest;
      textarea.dispatchEvent(new Event("input", { bubbles: true }));
    });
  };

  const attach = (textarea) => {
    if (textarea.dataset.attached || textarea.name.includes("__prefix__")) return;
    textarea.dataset.attached = "yes";
    const box = document.createElement("div");
    const toolbar = document.createElement("trix-toolbar");
    const holder = document.createElement("div");
    const element = document.createElement("trix-editor");
    toolbar.id = `${textarea.id}-toolbar`;
    toolbar.innerHTML = document.querySelector("#rich-toolbar").innerHTML;
    element.setAttribute("toolbar", toolbar.id);
    element.className = textarea.dataset.rich;
    element.setAttribute("aria-label", labelOf(textarea)?.textContent.trim() || "Text");
    holder.append(element);
    box.append(toolbar, holder);
    box.hidden = true;
    textarea.hidden = true;
    guard(element, holder);
    element.addEventListener(
      "trix-initialize",
      () => {
        if (!isHeld(textarea.value)) {
          showSource(textarea, box);
          return;
        }
        element.editor.loadHTML(textarea.value);
        // Trix writes its value once it has rendered.
        requestAnimationFrame(() => {
          if (normal(element.value) === normal(textarea.value)) showEditor(textarea, box, element);
          else showSource(textarea, box);
        });
      },
      { once: true },
    );
    // The preview stands beside both.
    const whole = document.createElement("div");
    whole.dataset.text = "";
    textarea.before(whole);
    whole.append(box, textarea);
  };

  /* What saving would change, below the texts of each language. */
  const follow = (textarea) => {
    const key = document.getElementById(textarea.id.replace(/-short_text$/, "-id"));
    const url = document.querySelector("[data-changes-url]")?.dataset.changesUrl;
    if (!key?.value || !url) return;
    const other = document.getElementById(textarea.id.replace(/-short_text$/, "-full_text"));
    const told = document.createElement("div");
    told.setAttribute("aria-live", "polite");
    told.dataset.changes = "";
    (textarea.closest("fieldset") || textarea.parentElement).append(told);
    let timer;
    let newest = 0;
    const update = async () => {
      const number = ++newest;
      const body = new URLSearchParams({
        text: key.value,
        short_text: textarea.value,
        full_text: other.value,
      });
      const headers = { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value };
      const response = await fetch(url, { method: "POST", headers, body });
      if (response.ok && number === newest) told.innerHTML = await response.text();
    };
    for (const one of [textarea, other]) {
      one.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(update, DELAY);
      });
    }
  };

  const attachAll = () => {
    for (const textarea of document.querySelectorAll("textarea[data-rich]")) {
      if (textarea.dataset.attached || textarea.name.includes("__prefix__")) continue;
      attach(textarea);
      if (textarea.name.endsWith("-short_text")) follow(textarea);
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    attachAll();
    document.addEventListener("formset:added", () => setTimeout(attachAll));
    new MutationObserver(attachAll).observe(document.querySelector("#content-main"), {
      childList: true,
      subtree: true,
    });
  });
})();
