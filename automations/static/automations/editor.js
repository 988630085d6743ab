/* The editor of automations: a trigger, and lists of steps inside of lists. Both are hidden fields of
   the form, as JSON. */
(() => {
  const { STEPS, TRIGGERS, UNITS, WEEKDAYS } = window.automationKinds;
  const { isFilledIn, mixin, nextId } = window.ruleParts;
  const { countOf, listOf, membersOf, stepOf, tree, triggerOf } = window.automationSteps;
  const MOST_BRANCHES = 10;
  const MOST_REMEMBERED = 200;
  // What is typed within a second is undone at once.
  const TYPING_MS = 1000;
  const PAUSE_MS = 400;

  const editor = () => ({
    ...mixin,
    ...tree,
    trigger: triggerOf({ type: "manual" }),
    steps: [],
    // Cards are made anew after undoing.
    revision: 0,
    offered: {},
    isOfRun: true,
    units: UNITS,
    weekdays: WEEKDAYS,
    counts: {},
    figures: {},
    sentences: {},
    errors: {},
    invalidRules: {},
    opened: {},
    // Where a step is being chosen, if anywhere.
    adding: "",
    dragged: null,
    target: null,
    history: [],
    at: -1,
    rememberedAt: 0,
    written: "",
    places: {},
    element: null,
    mapTimer: null,

    init() {
      this.element = this.$root;
      const content = JSON.parse(document.getElementById("ae-content").textContent);
      this.offered = JSON.parse(document.getElementById("ae-offers").textContent);
      this.counts = content.counts;
      this.sentences = content.sentences;
      this.trigger = triggerOf(content.trigger);
      this.steps = content.steps.map(stepOf);
      if (!this.steps.length) this.opened.trigger = true;
      this.remember(this.write());
      if (content.invalid) this.showError(content.invalid.path, content.invalid.detail);
      this.$watch("trigger", () => this.changed());
      this.$watch("steps", () => this.changed());
      this.warnOfLeaving();
      this.drawMap();
      this.loadFigures();
    },

    warnOfLeaving() {
      const form = this.element.closest("form");
      let isChanged = false;
      const warn = (event) => {
        if (isChanged) event.preventDefault();
      };
      for (const name of ["input", "change"]) {
        form.addEventListener(name, () => {
          isChanged = true;
        });
      }
      form.addEventListener("submit", () => window.removeEventListener("beforeunload", warn));
      window.addEventListener("beforeunload", warn);
    },

    /* The server reads both from hidden fields. */
    write() {
      this.places = { trigger: "trigger" };
      const trigger = this.trigger.raw ?? {
        type: this.trigger.type,
        ...membersOf(TRIGGERS[this.trigger.type], this.trigger),
      };
      const steps = listOf(this.steps, "steps", this.places);
      this.fieldOf("trigger").value = JSON.stringify(trigger);
      this.fieldOf("steps").value = JSON.stringify(steps);
      this.written = JSON.stringify({ trigger, steps });
      return this.written;
    },
    fieldOf(name) {
      return this.element.querySelector(`input[name=${name}]`);
    },

    changed() {
      const before = this.written;
      if (this.write() === before) return;
      this.remember(this.written);
      this.afterChange();
    },
    afterChange() {
      this.errors = {};
      this.invalidRules = {};
      this.fieldOf("steps").dispatchEvent(new Event("change", { bubbles: true }));
      clearTimeout(this.mapTimer);
      this.mapTimer = setTimeout(() => this.drawMap(), PAUSE_MS);
    },

    async drawMap() {
      const { mapUrl } = this.element.dataset;
      if (!mapUrl) return;
      await window.htmx.ajax("POST", mapUrl, {
        source: this.$refs.map,
        target: this.$refs.map,
        swap: "innerHTML",
        values: { drawn: this.written },
        headers: { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value },
      });
    },

    /* What takes longer to count comes after the page. */
    async loadFigures() {
      const { figuresUrl } = this.element.dataset;
      if (!figuresUrl) return;
      try {
        const answer = await fetch(figuresUrl);
        if (answer.ok) this.figures = (await answer.json()).branches;
      } catch {
        // The cards have the other counts.
      }
    },

    /* Undo and redo */

    remember(json) {
      const now = Date.now();
      const isTyped = this.at >= 0 && this.shapeOf(json) === this.shapeOf(this.history[this.at]);
      if (isTyped && this.at > 0 && now - this.rememberedAt < TYPING_MS) {
        this.history[this.at] = json;
      } else {
        this.history = [...this.history.slice(0, this.at + 1), json].slice(-MOST_REMEMBERED);
        this.at = this.history.length - 1;
      }
      this.rememberedAt = isTyped ? now : 0;
    },
    shapeOf(json) {
      return json.match(/"key":"[^"]*"|"type":"[^"]*"|[[\]]/g).join("");
    },
    get mayUndo() {
      return this.at > 0;
    },
    get mayRedo() {
      return this.at < this.history.length - 1;
    },
    undo() {
      if (this.mayUndo) this.goTo(this.at - 1, "Undone.");
    },
    redo() {
      if (this.mayRedo) this.goTo(this.at + 1, "Done again.");
    },
    goTo(at, text) {
      const focused = document.activeElement?.id;
      const { trigger, steps } = JSON.parse(this.history[at]);
      this.at = at;
      this.trigger = triggerOf(trigger);
      this.steps = steps.map(stepOf);
      this.revision += 1;
      this.rememberedAt = 0;
      this.history[at] = this.write();
      this.adding = "";
      this.afterChange();
      this.say(text);
      if (focused) this.focus(`[id="${focused}"]`, "#ae-undo");
    },
    /* In a field, the browser undoes what was typed there. */
    pressed(event) {
      const key = event.key.toLowerCase();
      if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return;
      if (event.target.closest("input:not([type=checkbox]), textarea")) return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) this.redo();
      else this.undo();
    },

    /* What the cards are called */

    typeOf: (leaf) => (leaf.isTrigger ? TRIGGERS : STEPS)[leaf.type],
    triggerTypes: () => Object.entries(TRIGGERS),
    stepTypes: () => Object.entries(STEPS),
    titleOf: (step) => STEPS[step.type]?.title || step.type,
    iconOf: (leaf) => (leaf.isTrigger ? TRIGGERS : STEPS)[leaf.type]?.icon || "extension",
    rawText: (step) => JSON.stringify(step.raw),
    phrase(step) {
      const name = (from, code) => this.nameOf({ from }, code);
      return STEPS[step.type]?.say(step, name) || "";
    },
    name(step, list) {
      const index = list.findIndex((one) => one.id === step.id);
      return `Step ${index + 1} of ${list.length}, ${this.titleOf(step)}`;
    },
    branchName: (step, branch) => STEPS[step.type].nameOf(branch, step.branches.indexOf(branch)),
    isComplete(leaf) {
      return Boolean(leaf.raw) || this.typeOf(leaf).parts.every((part) => isFilledIn(leaf, part));
    },
    branchCount(step, branch) {
      return this.figures[step.id]?.[step.branches.indexOf(branch)] || "";
    },
    countsOf(step) {
      return this.counts[step.id] || [];
    },
    get stepCount() {
      const count = countOf(this.steps);
      return count === 1 ? "1 step" : `${count} steps`;
    },

    isOpen(step) {
      return Boolean(this.opened[step.id]);
    },
    toggle(step) {
      this.opened = { ...this.opened, [step.id]: !this.opened[step.id] };
    },
    foldAll(isOpen) {
      const keys = ["trigger", ...Object.values(this.places)];
      this.opened = Object.fromEntries(keys.map((key) => [key, isOpen]));
      this.say(isOpen ? "All cards are open." : "All cards are folded.");
    },

    /* Beside the card that it is about, with the name of the part. */
    showError(path, detail) {
      let best = path.startsWith("trigger") ? "trigger" : "";
      for (const place of Object.keys(this.places)) {
        const isIn = path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
        if (isIn && place.length > best.length) best = place;
      }
      const rest = path.slice(best.length).replace(/^\./, "");
      const id = this.places[best] ?? "all";
      if (rest.startsWith("rule")) {
        this.invalidRules[id] = { path: rest.replace(/^rule\.?/, ""), detail };
      }
      const part = rest.split(/[.[]/)[0].replaceAll("_", " ");
      this.errors[id] = part ? `${part[0].toUpperCase()}${part.slice(1)}: ${detail}` : detail;
      this.opened[id] = true;
      this.focus(`#ae-${id}-title`);
    },

    /* Parts of cards */

    ruleOf(leaf, part) {
      return {
        rule: leaf[part.name],
        invalid: this.invalidRules[leaf.id],
        isOfRun: !leaf.isTrigger,
        previewUrl: `${this.element.dataset.ruleUrl}${leaf.isTrigger ? "" : "?of=run"}`,
        changed: (rule) => {
          leaf[part.name] = rule;
        },
        said: (sentence) => {
          this.sentences[leaf.id] = sentence;
        },
      };
    },
    changeTrigger(type) {
      const { rule, shown } = this.trigger;
      const kept = { rule, shown: shown.filter((name) => name === "rule") };
      Object.assign(this.trigger, triggerOf({ type }), kept);
      this.say(`${TRIGGERS[type].title}.`);
    },
    async loadTemplates() {
      try {
        const answer = await fetch(this.element.dataset.templatesUrl);
        if (answer.ok) this.offered.templates = (await answer.json()).templates;
      } catch {
        // The list stays as it was; saving says what is missing.
      }
    },
    sharesText(step) {
      const sum = step.branches.reduce((total, { share }) => total + (Number(share) || 0), 0);
      return sum === 100 ? "" : `The shares must add up to 100; these are ${sum}.`;
    },
    shareEvenly(step) {
      const each = Math.floor(100 / step.branches.length);
      step.branches.forEach((branch, number) => {
        branch.share = String(number ? each : 100 - each * (step.branches.length - 1));
      });
      this.say("Shared evenly.");
    },
    mayAddBranch: (step) => step.branches.length < MOST_BRANCHES,
    addBranch(step) {
      step.branches.push({ id: nextId(), share: "0", steps: [] });
      this.say(`Branch ${step.branches.length} added.`);
      this.focus(`#ae-share-${step.branches.at(-1).id}`);
    },
    removeBranch(step, branch) {
      step.branches = step.branches.filter((one) => one.id !== branch.id);
      this.say("Branch removed, with its steps.");
      this.focus(`#ae-share-${step.branches[0].id}`);
    },

    /* Alpine has no templates that hold themselves, so each list is put in when it is needed. */
    mountList(element) {
      const template = document.getElementById("ae-list");
      window.Alpine.mutateDom(() => {
        element.append(template.content.cloneNode(true));
        for (const child of [...element.children]) window.Alpine.initTree(child);
      });
    },
  });

  document.addEventListener("alpine:init", () => {
    window.Alpine.data("automationEditor", editor);
  });
})();
