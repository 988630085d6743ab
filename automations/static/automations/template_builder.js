/* The builder of emails: a list of blocks. They are one hidden field of the form, as JSON. */
(() => {
  const { guiding, nextId } = window.editing;
  const PAUSE_MS = 400;
  // What is typed without a pause is undone at once.
  const ONE_CHANGE_MS = 800;
  const MOST_UNDONE = 100;
  const DESKTOP_WIDTH = 680;

  const URL_PART = { name: "url", label: "Address", placeholder: "https://" };
  /* Each type of block: what it is called, its icon, and its parts. */
  const TYPES = {
    heading: { title: "Heading", icon: "title", parts: [{ name: "text", label: "Text" }] },
    text: { title: "Text", icon: "notes", parts: [] },
    button: {
      title: "Button",
      icon: "smart_button",
      parts: [{ name: "label", label: "Label" }, URL_PART],
    },
    image: {
      title: "Image",
      icon: "image",
      parts: [
        URL_PART,
        { name: "alt", label: "What it shows, for those who do not see it" },
        { name: "width", label: "Width in pixels; empty: as wide as there is room", kind: "number" },
      ],
    },
    columns: { title: "Columns", icon: "view_column", parts: [] },
    divider: { title: "Divider", icon: "horizontal_rule", parts: [] },
    footer: {
      title: "Footer",
      icon: "bottom_panel_open",
      parts: [
        { name: "text", label: "Text, such as your postal address", kind: "long" },
        { name: "unsubscribe", label: "Words of the link to unsubscribe", placeholder: "Unsubscribe" },
        {
          name: "preferences",
          label: "Words of the link to the preferences",
          placeholder: "Your preferences",
        },
      ],
    },
  };
  const OPTIONAL = ["alt", "width", "unsubscribe", "preferences"];
  const ALONE = ["columns", "footer"];
  const VIEWS = [
    ["part", "html", "Design"],
    ["part", "text", "Plain text"],
    ["width", "desktop", "Desktop"],
    ["width", "phone", "Phone"],
    ["scheme", "light", "Light"],
    ["scheme", "dark", "Dark"],
  ];

  const blockOf = (given) => {
    const block = { ...given, id: nextId() };
    if (block.type === "text") block.html = given.html || "";
    for (const { name } of TYPES[block.type]?.parts || []) block[name] = given[name] ?? "";
    if (block.type === "columns") {
      const columns = Array.isArray(given.columns) ? given.columns : [[], []];
      block.columns = columns.map((inner) => ({ id: nextId(), blocks: inner.map(blockOf) }));
    }
    return block;
  };

  /* A whole number as such; anything else as it was written, and the server says what is wrong. */
  const numberOf = (text) => (/^\d{1,9}$/.test(String(text).trim()) ? Number(text) : text);

  const isBlank = (text) => String(text ?? "").trim() === "";

  /* Whether nothing is left to fill in; what was filled in wrongly is for the server to say. */
  const isComplete = (block) => {
    const needed = { heading: ["text"], text: ["html"], button: ["label", "url"], image: ["url"] };
    return (needed[block.type] || []).every((name) => !isBlank(block[name]));
  };

  /* The blocks as JSON; `places` gets the ids of the blocks by their paths. */
  const jsonOf = (blocks, keep = () => true, path = "blocks", places = {}) =>
    blocks.filter(keep).map((block, index) => {
      const place = `${path}[${index}]`;
      places[place] = block.id;
      const { id, ...json } = block;
      for (const name of OPTIONAL) if (json[name] === "") delete json[name];
      if (block.type === "footer" && json.text === "") delete json.text;
      if (json.width !== undefined) json.width = numberOf(json.width);
      if (block.type === "columns") {
        json.columns = block.columns.map((column, number) =>
          jsonOf(column.blocks, keep, `${place}.columns[${number}]`, places),
        );
      }
      return json;
    });

  const builder = () => ({
    ...guiding,
    blocks: [],
    offered: { fields: [], events: [], consents: [] },
    types: Object.entries(TYPES).map(([type, { title, icon }]) => [type, title, icon]),
    simpleTypes: Object.entries(TYPES)
      .filter(([type]) => !ALONE.includes(type))
      .map(([type, { title }]) => [type, title]),
    views: VIEWS,
    view: { part: "html", width: "desktop", scheme: "light" },
    errors: {},
    problems: [],
    failure: "",
    held: "",
    email: {},
    term: "",
    found: [],
    isNobody: false,
    contact: null,
    contactsUrl: "",
    testTo: "",
    testDone: "",
    testFailure: "",
    isSending: false,
    past: [],
    future: [],
    changedAt: 0,
    dragged: null,
    target: null,
    // Where a place is inserted: the text that had the focus last.
    taker: null,
    range: null,
    // Inside of a card, Alpine's $root would be the card.
    element: null,
    field: null,
    timer: null,
    controller: null,

    init() {
      this.element = this.$root;
      const { dataset } = this.element;
      this.field = this.element.querySelector("[data-blocks-field]");
      this.contactsUrl = dataset.contactsUrl;
      this.offered = JSON.parse(document.getElementById(dataset.offers).textContent);
      const given = JSON.parse(document.getElementById(dataset.blocks).textContent);
      this.blocks = given.filter((block) => TYPES[block?.type]).map(blockOf);
      this.field.value = JSON.stringify(jsonOf(this.blocks));
      if (dataset.errorDetail) this.showError(dataset.errorPath, dataset.errorDetail);
      this.$watch("blocks", () => this.changed());
      const form = this.element.closest("form");
      for (const name of ["subject", "preheader"]) {
        form?.querySelector(`[name=${name}]`)?.setAttribute("data-takes-places", "");
      }
      form?.addEventListener("focusin", (event) => this.take(event.target));
      form?.addEventListener("input", (event) => event.target.name && this.soon());
      form?.addEventListener("change", (event) => event.target.name && this.soon());
      document.addEventListener("selectionchange", () => this.keepRange());
      new ResizeObserver(() => this.fit()).observe(this.$refs.frame);
      this.preview();
    },

    /* The server reads the blocks from the hidden field. */
    changed() {
      const before = this.field.value;
      const json = JSON.stringify(jsonOf(this.blocks));
      if (json === before) return;
      const now = Date.now();
      if (now - this.changedAt > ONE_CHANGE_MS) {
        this.past.push(before);
        if (this.past.length > MOST_UNDONE) this.past.shift();
      }
      this.changedAt = now;
      this.future = [];
      this.write(json);
    },
    write(json) {
      this.field.value = json;
      this.field.dispatchEvent(new Event("change", { bubbles: true }));
      this.soon();
    },
    undo() {
      this.restore(this.past, this.future, "Undone.");
    },
    redo() {
      this.restore(this.future, this.past, "Done again.");
    },
    restore(from, to, said) {
      if (!from.length) return;
      to.push(this.field.value);
      const json = from.pop();
      this.changedAt = 0;
      this.write(json);
      this.blocks = JSON.parse(json).map(blockOf);
      this.say(said);
    },

    /* The list of blocks */

    isComplete,
    titleOf: (block) => TYPES[block.type].title,
    partsOf: (block) => TYPES[block.type].parts,
    lists() {
      const columns = this.blocks.flatMap((block) => block.columns || []);
      return [this.blocks, ...columns.map((column) => column.blocks)];
    },
    listOf(block) {
      return this.lists().find((list) => list.some((one) => one.id === block.id)) || [];
    },
    indexOf: (list, block) => list.findIndex((one) => one.id === block.id),
    name(block) {
      const list = this.listOf(block);
      return `${this.titleOf(block)}, ${this.indexOf(list, block) + 1} of ${list.length}`;
    },
    isFirst(block) {
      return this.indexOf(this.listOf(block), block) === 0;
    },
    isLast(block) {
      const list = this.listOf(block);
      return this.indexOf(list, block) === list.length - 1;
    },
    step() {
      this.changedAt = 0;
    },
    add(type, list) {
      this.step();
      const block = blockOf({ type });
      list.push(block);
      this.say(`${TYPES[type].title} added.`);
      const card = `#tb-${block.id}`;
      this.focus(`${card} [contenteditable]`, `${card} input`, `${card} textarea`, `${card} select`, `${card} [data-tool=remove]`);
    },
    remove(block) {
      this.step();
      const list = this.listOf(block);
      const at = this.indexOf(list, block);
      list.splice(at, 1);
      this.say(`${this.titleOf(block)} removed.`);
      const next = list[Math.min(at, list.length - 1)];
      this.focus(next ? `[data-tool-of="${next.id}"][data-tool=remove]` : "[data-add]");
    },
    move(block, by) {
      this.step();
      const list = this.listOf(block);
      const at = this.indexOf(list, block);
      if (at + by < 0 || at + by >= list.length) return;
      list.splice(at + by, 0, ...list.splice(at, 1));
      this.say(`Moved. ${this.name(block)}.`);
      const own = (tool) => `[data-tool-of="${block.id}"][data-tool=${tool}]`;
      this.focus(own(by < 0 ? "up" : "down"), own(by < 0 ? "down" : "up"));
    },

    /* Dragging, by the handle of a card */

    startDrag(event, block) {
      this.dragged = block;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", this.titleOf(block));
      event.dataTransfer.setDragImage(document.getElementById(`tb-${block.id}`), 12, 12);
    },
    endDrag() {
      this.dragged = null;
      this.target = null;
    },
    over(event, block) {
      if (!this.dragged || !this.mayDrop(block)) return;
      event.preventDefault();
      const box = event.currentTarget.getBoundingClientRect();
      const isBelow = event.clientY > box.top + box.height / 2;
      this.target = { block, where: isBelow ? "after" : "before" };
    },
    mayDrop(block) {
      if (block.id === this.dragged.id) return false;
      return this.listOf(block) === this.blocks || !ALONE.includes(this.dragged.type);
    },
    dropIt(event) {
      if (!this.dragged || !this.target) return;
      event.preventDefault();
      this.step();
      const { block, where } = this.target;
      const from = this.listOf(this.dragged);
      const [moved] = from.splice(this.indexOf(from, this.dragged), 1);
      const to = this.listOf(block);
      to.splice(this.indexOf(to, block) + (where === "after" ? 1 : 0), 0, moved);
      this.endDrag();
      this.say(`Moved. ${this.name(moved)}.`);
    },
    isTarget(block, where) {
      return this.target?.block.id === block.id && this.target.where === where;
    },

    /* Places */

    take(element) {
      if (element.closest?.("[data-takes-places]")) this.taker = element;
    },
    keepRange() {
      const selection = window.getSelection();
      if (!selection.rangeCount || !this.taker?.isContentEditable) return;
      if (this.taker.contains(selection.anchorNode)) this.range = selection.getRangeAt(0).cloneRange();
    },
    insertPlace() {
      const text = this.$refs.place.value;
      const taker = this.taker;
      if (!text || !taker?.isConnected) {
        this.say("Click into a text first.");
        return;
      }
      this.step();
      taker.focus();
      if (taker.isContentEditable) {
        if (this.range && taker.contains(this.range.startContainer)) {
          window.getSelection().removeAllRanges();
          window.getSelection().addRange(this.range);
        }
        document.execCommand("insertText", false, text);
      } else {
        taker.setRangeText(text, taker.selectionStart, taker.selectionEnd, "end");
        taker.dispatchEvent(new Event("input", { bubbles: true }));
      }
      this.say(`${text} inserted.`);
    },

    /* The preview */

    show(name, value) {
      this.view[name] = value;
      this.$nextTick(() => this.fit());
    },
    /* An email for a desktop is shown as wide as there, and smaller. */
    fit() {
      const { frame } = this.$refs;
      const scale = this.view.width === "phone" ? 1 : Math.min(1, frame.clientWidth / DESKTOP_WIDTH);
      frame.style.setProperty("--tb-scale", String(scale || 1));
    },
    given(places = {}, keep = () => true) {
      const form = this.element.closest("form");
      const value = (name) => form?.querySelector(`[name=${name}]`)?.value || "";
      const names = ["subject", "preheader", "from_name", "from_email", "reply_to", "consent"];
      return {
        ...Object.fromEntries(names.map((name) => [name, value(name)])),
        blocks: jsonOf(this.blocks, keep, "blocks", places),
        contact: this.contact?.id || null,
      };
    },
    soon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.preview(), PAUSE_MS);
    },
    ask(url, content, signal) {
      return fetch(url, {
        method: "POST",
        signal,
        headers: {
          "Content-Type": "application/json",
          "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value,
        },
        body: JSON.stringify(content),
      }).then((answer) => answer.json());
    },
    async preview() {
      const { previewUrl } = this.element.dataset;
      if (!previewUrl) return;
      const controller = new AbortController();
      this.controller?.abort();
      this.controller = controller;
      const places = {};
      try {
        // What is not complete yet is left out, so that the rest is seen.
        const given = this.given(places, isComplete);
        this.answered(await this.ask(previewUrl, given, controller.signal), places);
      } catch (error) {
        if (error.name !== "AbortError") {
          this.failure = "The hub does not answer. What you wrote here is kept.";
        }
      }
    },
    answered(found, places) {
      this.failure = found.failure || "";
      this.held = found.held || "";
      this.errors = {};
      this.problems = [];
      for (const [name, texts] of Object.entries(found.errors || {})) {
        for (const text of texts) this.showProblem(name, text, places);
      }
      // What was shown stays while the template is wrong; a contact who gets none has none.
      if (found.subject || found.held) this.email = found;
    },
    showProblem(name, text, places) {
      const [, path, detail] = /^(blocks\S*?): ([^]*)$/.exec(text) || [];
      if (name === "blocks" && path) this.showError(path, detail, places);
      else this.problems.push(name === "blocks" ? text : `${name.replaceAll("_", " ")}: ${text}`);
    },
    /* Beside the block that it is about, with the name of the part. */
    showError(path, detail, places = null) {
      const known = places || {};
      if (!places) jsonOf(this.blocks, undefined, "blocks", known);
      const inside = Object.keys(known).filter(
        (place) => path === place || path.startsWith(`${place}.`),
      );
      const best = inside.sort((one, other) => other.length - one.length)[0];
      const part = best ? path.slice(best.length + 1).replaceAll("_", " ") : "";
      this.errors[best ? known[best] : "root"] = part ? `${part}: ${detail}` : detail;
    },

    async findContacts() {
      const asked = this.term.trim();
      this.found = [];
      this.isNobody = false;
      if (!asked) return;
      const answer = await fetch(`${this.contactsUrl}?${new URLSearchParams({ q: asked })}`);
      const { contacts } = answer.ok ? await answer.json() : { contacts: [] };
      if (asked !== this.term.trim()) return;
      this.found = contacts;
      this.isNobody = !contacts.length;
    },
    choose(contact) {
      this.contact = contact;
      this.found = [];
      this.term = "";
      this.say(contact ? `The email of ${contact.name}.` : "The email of a sample.");
      this.focus("[data-contact-search]");
      this.preview();
    },
    async sendTest() {
      this.testDone = "";
      this.testFailure = "";
      this.isSending = true;
      try {
        const content = { ...this.given(), to: this.testTo };
        const found = await this.ask(this.element.dataset.testUrl, content);
        this.testDone = found.done || "";
        const [wrong] = Object.values(found.errors || {}).flat();
        this.testFailure = found.failure || found.held || wrong || "";
      } catch {
        this.testFailure = "The hub does not answer. Try again.";
      } finally {
        this.isSending = false;
      }
    },
  });

  document.addEventListener("alpine:init", () => {
    window.Alpine.data("templateBuilder", builder);
  });
})();
