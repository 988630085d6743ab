/* The drawn fields of a destination: names, headers, and the mapping of a body with its example. */
(() => {
  const { guiding, nextId } = window.editing;
  const PAUSE_MS = 400;

  /* What each of them does: it draws a value, and writes it into its hidden field as JSON. */
  const drawn = {
    ...guiding,
    given: {},
    element: null,
    field: null,
    label: "",

    begin() {
      this.element = this.$root;
      this.field = this.element.querySelector("[data-field]");
      this.given = JSON.parse(document.getElementById(this.element.dataset.drawn).textContent);
    },
    /* `isFirst`: nothing has changed yet, the page only shows what there is. */
    write(value, isFirst = false) {
      const text = JSON.stringify(value);
      if (this.field.value === text) return;
      this.field.value = text;
      if (!isFirst) this.field.dispatchEvent(new Event("change", { bubbles: true }));
    },
    focus(selector) {
      // What Alpine shows, it shows in the next frame, and nothing hidden takes the focus.
      this.$nextTick(() =>
        requestAnimationFrame(() => this.element.querySelector(selector)?.focus()),
      );
    },
  };

  const names = () => ({
    ...drawn,
    chosen: [],
    problem: "",

    init() {
      this.begin();
      this.chosen = Array.isArray(this.given.value) ? this.given.value : [];
      // Alpine knows no $refs yet.
      const { id } = this.element.querySelector("input[list]");
      const label = document.querySelector(`label[for="${id}"]`)?.textContent ?? "";
      this.label = label.trim().replace(/:$/, "");
      this.write(this.chosen, true);
      this.$watch("chosen", () => this.write(this.chosen));
    },
    get rest() {
      return this.given.offered.filter(([code]) => !this.chosen.includes(code));
    },
    found(code) {
      return this.given.offered.find(([one]) => one.toLowerCase() === code.toLowerCase());
    },
    nameOf(code) {
      return this.found(code)?.[1] ?? code;
    },
    /* What is to be said of a name that is chosen. */
    note(code) {
      const found = this.found(code);
      if (!found) return this.given.mayBeNew ? "not seen yet" : "does not exist";
      return (this.given.unseen || []).includes(found[0]) ? "none recorded yet" : "";
    },
    /* Adds what was typed or chosen: a name or a code of what there is. */
    pick() {
      const { box } = this.$refs;
      const typed = box.value.trim();
      if (!typed) return;
      const same = (text) => text.toLowerCase() === typed.toLowerCase();
      const found =
        this.given.offered.find(([code]) => same(code)) ||
        this.given.offered.find(([, name]) => same(name));
      this.problem = "";
      if (!found && !this.given.mayBeNew) {
        this.problem = `There is no ${this.given.noun} “${typed}”. Choose one of the list.`;
        return;
      }
      const code = found ? found[0] : typed;
      if (!this.chosen.some((one) => one.toLowerCase() === code.toLowerCase())) {
        this.chosen = [...this.chosen, code];
      }
      box.value = "";
      this.say(`${this.nameOf(code)} added.`);
    },
    drop(code) {
      const name = this.nameOf(code);
      this.chosen = this.chosen.filter((one) => one !== code);
      this.say(`${name} removed.`);
      this.$refs.box.focus();
    },
  });

  const headers = () => ({
    ...drawn,
    rows: [],

    init() {
      this.begin();
      this.rows = (this.given.value || []).map(({ name, value }) => ({
        id: nextId(),
        name,
        value: value ?? "",
        isKept: value === null,
      }));
      this.write(this.json, true);
      this.$watch("rows", () => this.write(this.json));
    },
    get json() {
      return this.rows
        .filter(({ name, value }) => name.trim() || value)
        .map(({ name, value, isKept }) => ({ name, value: isKept ? null : value }));
    },
    add() {
      const row = { id: nextId(), name: "", value: "", isKept: false };
      this.rows.push(row);
      this.say("Header added.");
      this.focus(`[id$="-${row.id}"]`);
    },
    replace(row) {
      row.isKept = false;
      this.focus(`[id$="-value-${row.id}"]`);
    },
    remove(row) {
      this.rows = this.rows.filter(({ id }) => id !== row.id);
      this.say(`Header ${row.name} removed.`);
      this.$refs.add.focus();
    },
  });

  const rowOf = ({ to = "", from, value, flatten = false }) => ({
    id: nextId(),
    to,
    kind: from === undefined && value !== undefined ? "value" : "from",
    from: from ?? "",
    value: value === undefined || typeof value === "string" ? (value ?? "") : JSON.stringify(value),
    flatten,
  });

  /* A number, true, false and null as such, anything else as text. */
  const valueOf = (text) =>
    /^(-?(0|[1-9]\d{0,14})(\.\d{1,9})?|true|false|null)$/.test(text.trim()) ? JSON.parse(text) : text;

  const jsonOf = (row) => {
    if (row.kind === "value") return { to: row.to, value: valueOf(row.value) };
    const json = { to: row.to, from: row.from };
    return row.flatten ? { ...json, flatten: true } : json;
  };

  const mapping = () => ({
    ...drawn,
    way: "hub",
    rows: [],
    sources: [],
    of: "activity",
    body: "",
    size: "",
    problem: "",
    isAsking: false,
    isDrawable: true,
    invalidRow: -1,
    timer: null,
    controller: null,

    init() {
      this.begin();
      this.way = Array.isArray(this.given.value) ? "own" : "hub";
      this.rows = (this.given.value || []).map(rowOf);
      const place = /^\[(\d+)\]/.exec(this.given.invalid || "");
      if (place) this.invalidRow = Number(place[1]);
      this.write(this.json, true);
      this.$watch("json", () => {
        this.invalidRow = -1;
        this.write(this.json);
      });
      const form = this.element.closest("form");
      form.addEventListener("change", () => this.askSoon());
      form.addEventListener("input", () => this.askSoon());
      this.ask("");
    },
    get json() {
      if (!this.isOwn) return null;
      return this.rows.filter(({ to, from, value }) => `${to}${from}${value}`.trim()).map(jsonOf);
    },
    get isOwn() {
      return this.way === "own";
    },
    beginOwn() {
      if (!this.rows.length) this.add();
    },
    add() {
      const row = rowOf({});
      this.rows.push(row);
      this.say("Field added.");
      this.focus(`[id$="-${row.id}"]`);
    },
    remove(row) {
      this.rows = this.rows.filter(({ id }) => id !== row.id);
      this.say(`Field ${row.to} removed.`);
      this.$refs.add.focus();
    },

    /* The example */

    askSoon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), PAUSE_MS);
    },
    async ask(of = this.of) {
      const form = this.element.closest("form");
      this.isDrawable = this.given.drawable.includes(form.elements.type?.value);
      const controller = new AbortController();
      this.controller?.abort();
      this.controller = controller;
      this.isAsking = true;
      const sent = new FormData(form);
      sent.set(this.field.name, JSON.stringify(this.isDrawable ? this.json : null));
      try {
        const answer = await fetch(`${this.given.url}?${new URLSearchParams({ of })}`, {
          method: "POST",
          body: sent,
          signal: controller.signal,
        });
        if (!answer.ok) throw new Error(`The hub answered ${answer.status}.`);
        this.show(await answer.json());
      } catch (error) {
        if (error.name !== "AbortError") this.problem = "There is no example now: the hub does not answer.";
      } finally {
        if (controller === this.controller) this.isAsking = false;
      }
    },
    show(found) {
      this.of = found.of;
      this.sources = found.sources;
      this.problem = found.problem || "";
      this.body = found.body || "";
      this.size = found.bytes ? `${found.bytes.toLocaleString("en")} bytes` : "";
    },
  });

  document.addEventListener("alpine:init", () => {
    window.Alpine.data("destinationNames", names);
    window.Alpine.data("destinationHeaders", headers);
    window.Alpine.data("destinationMapping", mapping);
  });
})();
