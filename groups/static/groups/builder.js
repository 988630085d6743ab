/* The builder of rules: a tree of cards. The rule is one hidden field of the form, as JSON. */
(() => {
  const DEEPEST = 8;
  const MOST_CONDITIONS = 100;
  const PAUSE_MS = 300;
  const { NUMBER_OPERATORS, isBlank, isFilledIn, leafOf, mixin, nextId, valueOf } = window.ruleParts;

  const SINCE = [
    ["within_days", "within the last"],
    ["before_days", "longer ago than"],
  ];
  const HAS = ["has", "has not"];
  const IS = ["is", "is not"];
  const WAS = ["was", "was not"];
  const DAYS = {
    name: "days",
    kind: "number",
    label: "Days back from now; empty: at any time",
    before: "in the last",
    after: "days",
    empty: "any",
  };
  /* The parts of a comparison with a number. */
  const compared = (operator, value) => [
    { name: "operator", kind: "one", ...operator },
    { name: "value", kind: "number", ...value },
  ];
  const DAYS_AGO = compared(
    { label: "When", options: SINCE, standard: "within_days" },
    { label: "Days", after: "days", standard: "30" },
  );

  /* Each type of condition: what it is called, how it is negated, and its parts in their order. */
  const TYPES = {
    activity: {
      title: "Did something (an activity)",
      section: "What people did",
      words: HAS,
      verb: "done",
      parts: [
        {
          name: "match",
          kind: "one",
          label: "Any or all of the activities",
          options: [
            ["any", "any of"],
            ["all", "each of"],
          ],
          when: (leaf) => leaf.activities.length > 1,
          standard: "any",
        },
        { name: "activities", kind: "many", from: "activities", label: "Activity", free: true },
        {
          name: "at_least",
          kind: "number",
          label: "At least so many times",
          before: "at least",
          after: "times",
          empty: "1",
        },
        { ...DAYS, when: (leaf) => !leaf.shown.includes("since") },
        {
          name: "since",
          kind: "one",
          label: "Since the contact entered",
          options: [["entry", "since the contact entered"]],
          standard: "entry",
          optional: true,
          isOfRun: true,
        },
        { name: "value", kind: "text", label: "Value", numbers: true, optional: true },
        { name: "url", kind: "text", label: "URL", optional: true },
        { name: "referrer", kind: "text", label: "Referrer", optional: true },
        { name: "properties", kind: "properties", label: "Property", optional: true },
        { name: "channels", kind: "many", from: "channels", label: "Channel", optional: true },
        {
          name: "tracked_sites",
          kind: "many",
          from: "tracked_sites",
          label: "Tracked site",
          optional: true,
        },
      ],
    },
    data_input: {
      title: "Entered data, by label",
      section: "What people did",
      words: HAS,
      verb: "entered data through a source whose label",
      parts: [{ name: "label", kind: "text", label: "Label" }, DAYS],
    },
    landing_page: {
      title: "Came to a landing page",
      section: "What people did",
      words: HAS,
      verb: "come to a landing page whose URL",
      parts: [{ name: "url", kind: "text", label: "URL", suggests: "landing_page" }, DAYS],
    },
    email_activity: {
      title: "Got or opened an email",
      section: "What people did",
      words: HAS,
      verb: "",
      parts: [
        {
          name: "did",
          kind: "one",
          label: "What became of the email",
          options: [
            ["sent", "been sent"],
            ["opened", "opened"],
            ["clicked", "clicked a link in"],
            ["bounced", "sent back"],
            ["unsubscribed", "unsubscribed by"],
          ],
          standard: "sent",
        },
        { name: "template", kind: "one", from: "templates", label: "Email template" },
        DAYS,
      ],
    },
    inactive: {
      title: "Was inactive",
      section: "What people did",
      words: WAS,
      verb: "inactive",
      parts: [{ ...DAYS, label: "Days back from now", empty: "", standard: "30" }],
    },
    last_seen: {
      title: "Last seen",
      section: "What people did",
      words: WAS,
      verb: "last seen",
      parts: DAYS_AGO,
    },
    field: {
      title: "A field, such as the company",
      section: "Who people are",
      words: ["whose", "not those whose"],
      verb: "",
      parts: [
        { name: "field", kind: "one", from: "fields", label: "Field" },
        { name: "operator", kind: "operator", label: "Comparison" },
        { name: "value", kind: "value", label: "Value" },
      ],
    },
    field_empty: {
      title: "A field is empty",
      section: "Who people are",
      words: ["has no", "has a"],
      verb: "value in the field",
      parts: [{ name: "field", kind: "one", from: "fields", label: "Field" }],
    },
    country: {
      title: "Country",
      section: "Who people are",
      words: IS,
      verb: "from any of",
      parts: [{ name: "values", kind: "many", from: "countries", label: "Country" }],
    },
    state: {
      title: "State of the USA",
      section: "Who people are",
      words: IS,
      verb: "from any of",
      parts: [{ name: "values", kind: "many", from: "states", label: "State" }],
    },
    age: {
      title: "Age",
      section: "Who people are",
      words: IS,
      verb: "of an age that",
      parts: compared(
        { label: "Comparison", options: NUMBER_OPERATORS, standard: ">=" },
        { label: "Age in years", after: "years", standard: "18" },
      ),
    },
    age_between: {
      title: "Age between",
      section: "Who people are",
      words: IS,
      verb: "of an age",
      parts: [
        { name: "from", kind: "number", label: "From this age", before: "from", standard: "18" },
        { name: "to", kind: "number", label: "To this age", before: "to", after: "years", standard: "65" },
      ],
    },
    birthday: {
      title: "Birthday",
      read: (given) => (given.within_days === undefined ? given : { ...given, day: "" }),
      section: "Who people are",
      words: HAS,
      verb: "a birthday",
      parts: [
        {
          name: "day",
          kind: "one",
          label: "Day",
          options: [
            ["today", "today"],
            ["yesterday", "yesterday"],
            ["tomorrow", "tomorrow"],
            ["", "within the next …"],
          ],
          standard: "today",
          mayBeEmpty: true,
        },
        {
          name: "within_days",
          kind: "number",
          label: "Days from today",
          after: "days",
          standard: "7",
          when: (leaf) => leaf.day === "",
        },
      ],
    },
    created: {
      title: "Known since",
      section: "Who people are",
      words: WAS,
      verb: "first recorded",
      parts: DAYS_AGO,
    },
    consent: {
      title: "Agreed to a consent",
      section: "Consents and groups",
      words: HAS,
      verb: "agreed to",
      parts: [
        { name: "consent", kind: "one", from: "consents", label: "Consent" },
        {
          name: "version",
          kind: "one",
          label: "Version of the text",
          options: [
            ["any", "in any version"],
            ["current", "in its current version"],
          ],
          standard: "any",
        },
      ],
    },
    group: {
      title: "Member of a group",
      section: "Consents and groups",
      words: IS,
      verb: "in",
      parts: [
        {
          name: "match",
          kind: "one",
          label: "Any or all of the groups",
          options: [
            ["any", "any of"],
            ["all", "each of"],
          ],
          when: (leaf) => leaf.groups.length > 1,
          standard: "any",
        },
        { name: "groups", kind: "many", from: "groups", label: "Group" },
      ],
    },
  };
  const SECTIONS = [...new Set(Object.values(TYPES).map((type) => type.section))];

  /* Not `randomUUID`: browsers have that on HTTPS alone. */
  const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

  const isGroup = (given) => Boolean(given) && Array.isArray(given.conditions);

  const nodeOf = (given) =>
    isGroup(given)
      ? { id: nextId(), match: given.match || "all", conditions: given.conditions.map(nodeOf) }
      : leafOf(TYPES, given.type, given);

  /* Whether nothing is left to fill in; what was filled in wrongly is for the server to say. */
  const isComplete = (node) => {
    if (node.conditions) return !node.conditions.length || node.conditions.some(isComplete);
    if (node.raw) return true;
    return Boolean(node.type) && TYPES[node.type].parts.every((part) => isFilledIn(node, part));
  };

  /* The rule as JSON; `places` gets the ids of its nodes by their paths. */
  const jsonOf = (node, keep = () => true, path = "", places = {}) => {
    places[path] = node.id;
    if (node.conditions) {
      const inside = path ? `${path}.` : "";
      const conditions = node.conditions
        .filter(keep)
        .map((child, index) => jsonOf(child, keep, `${inside}conditions[${index}]`, places));
      return { match: node.match, conditions };
    }
    if (node.raw) return { ...node.raw, negate: node.negate };
    const json = { type: node.type };
    for (const part of node.type ? TYPES[node.type].parts : []) {
      const value = valueOf(node, part);
      if (value !== undefined) json[part.name] = value;
    }
    if (node.negate) json.negate = true;
    return json;
  };

  const countLeaves = (node) =>
    node.conditions ? node.conditions.reduce((sum, child) => sum + countLeaves(child), 0) : 1;

  const depthOf = (node) =>
    node.conditions ? 1 + Math.max(0, ...node.conditions.map(depthOf)) : 0;

  const contains = (node, id) =>
    node.id === id || (node.conditions || []).some((child) => contains(child, id));

  /* The deepest node that stands where `path` leads, and which of its parts that is about. */
  const placeOf = (path, places) => {
    let best = "";
    for (const place of Object.keys(places)) {
      const inside = path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);
      if (inside && place.length > best.length) best = place;
    }
    const [part] = path.slice(best.length).replace(/^\./, "").split(/[.[]/);
    const name = part.replaceAll("_", " ");
    return { id: places[best], part: name.charAt(0).toUpperCase() + name.slice(1) };
  };

  /* Of a field of a form, or `given`: its rule, and what gets the rule and its sentence when the
     user changes it. */
  const builder = (given = null) => ({
    ...mixin,
    root: { id: 0, match: "all", conditions: [] },
    offered: {},
    isOfRun: Boolean(given?.isOfRun),
    sections: SECTIONS,
    sentence: "",
    count: null,
    asOf: "",
    people: null,
    matches: {},
    errors: {},
    warnings: {},
    // Why the rule was not saved; it stands until the rule is changed.
    refused: null,
    failure: "",
    isCounting: false,
    isStatic: false,
    dragged: null,
    target: null,
    places: {},
    // Inside of a card, Alpine's $root would be the card.
    element: null,
    field: null,
    written: "",
    // A preview supersedes those of the same page, and of no other tab.
    page: randomId(),
    isTyped: false,
    timer: null,
    controller: null,

    init() {
      this.element = this.$root;
      const { dataset } = this.element;
      this.field = this.element.querySelector("[data-rule-field]");
      this.offered = JSON.parse(document.getElementById(dataset.offers).textContent);
      const rule = given ? given.rule : JSON.parse(document.getElementById(dataset.rule).textContent);
      this.root = isGroup(rule)
        ? nodeOf(rule)
        : { id: nextId(), match: "all", conditions: [] };
      const list = this.element.closest("form")?.querySelector("[name=static]");
      if (list) {
        this.isStatic = list.checked;
        list.addEventListener("change", () => {
          this.isStatic = list.checked;
        });
      }
      this.write();
      if (given?.invalid) this.refused = given.invalid;
      if (dataset.errorDetail) {
        this.refused = { path: dataset.errorPath, detail: dataset.errorDetail };
      }
      if (this.refused) {
        this.showError(this.refused.path, this.refused.detail);
      }
      this.preview();
      this.element.addEventListener("input", (event) => this.noteTyping(event), { capture: true });
      this.$watch("root", () => this.changed());
    },

    /* Letters are typed; what is chosen from a list comes as one. */
    noteTyping({ inputType }) {
      if (!inputType || inputType === "insertReplacementText") return;
      this.isTyped = true;
      // Before the next task, `changed` is told.
      setTimeout(() => {
        this.isTyped = false;
      });
    },

    /* The server reads the rule from the hidden field. */
    write() {
      this.places = {};
      this.written = JSON.stringify(jsonOf(this.root, undefined, "", this.places));
      if (this.field) this.field.value = this.written;
    },

    changed() {
      const before = this.written;
      this.write();
      if (this.written === before) return;
      this.field?.dispatchEvent(new Event("change", { bubbles: true }));
      given?.changed(JSON.parse(this.written));
      this.errors = {};
      this.refused = null;
      this.isCounting = true;
      clearTimeout(this.timer);
      this.controller?.abort();
      this.timer = setTimeout(() => this.preview(), this.isTyped ? PAUSE_MS : 0);
    },

    async preview(refresh = false, unknown = Infinity) {
      const previewUrl = given?.previewUrl ?? this.element.dataset.previewUrl;
      if (!previewUrl) return;
      const controller = new AbortController();
      this.controller?.abort();
      this.controller = controller;
      this.isCounting = !refresh;
      // What is not complete yet is left out, so that the rest is counted.
      const places = {};
      const rule = jsonOf(this.root, isComplete, "", places);
      try {
        const answer = await fetch(previewUrl, {
          method: "POST",
          signal: controller.signal,
          headers: {
            "Content-Type": "application/json",
            "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value,
          },
          body: JSON.stringify({ rule, refresh, page: this.page }),
        });
        const found = await answer.json();
        if (controller !== this.controller) return;
        // Requests may overtake each other: an older one of this page came later.
        if (found.superseded) this.timer = setTimeout(() => this.preview(refresh, unknown), PAUSE_MS);
        else this.show(found, places, unknown);
      } catch (error) {
        if (error.name !== "AbortError" && controller === this.controller) {
          this.failure = "The hub does not answer. What you built here is kept.";
        }
      } finally {
        if (controller === this.controller) this.isCounting = false;
      }
    },

    show(found, places, unknownBefore = Infinity) {
      this.failure = found.failure || "";
      this.count = found.count ?? null;
      this.asOf = found.as_of || "";
      this.people = found.people ?? null;
      this.errors = {};
      this.warnings = {};
      this.matches = {};
      if (found.error) {
        this.sentence = "";
        this.showError(found.error.path, found.error.detail, places);
        return;
      }
      if (this.refused) this.showError(this.refused.path, this.refused.detail);
      this.sentence = found.sentence || "";
      given?.said?.(this.sentence);
      for (const [path, count] of Object.entries(found.matches || {})) {
        this.matches[places[path]] = count;
      }
      for (const { path, text } of found.problems || []) {
        this.warnings[placeOf(path, places).id] = text;
      }
      // What was counted is kept; so the next try has time for what is left.
      const unknown = Object.values(found.matches || {}).filter((one) => one === null).length;
      if (this.count === null && unknown > 0 && unknown < unknownBefore) {
        this.timer = setTimeout(() => this.preview(false, unknown), PAUSE_MS);
      } else if (found.is_fresh === false) {
        this.timer = setTimeout(() => this.preview(true), PAUSE_MS);
      }
    },

    /* Beside the card that it is about, with the name of the part. */
    showError(path, detail, places = this.places) {
      const { id, part } = placeOf(path, places);
      this.errors[id] = part ? `${part}: ${detail}` : detail;
    },

    get countText() {
      if (this.count === null) return "–";
      return this.count.toLocaleString("en");
    },

    matchesText(node) {
      const found = this.matches[node.id];
      if (found === undefined) return "";
      if (found === null) return "takes longer than 3 seconds to count";
      return `${found.toLocaleString("en")} alone`;
    },

    /* What the cards are called */

    isGroup: (node) => Boolean(node.conditions),
    isComplete,
    types: (section) =>
      Object.entries(TYPES).filter(([, type]) => type.section === section),
    typeOf: (leaf) => TYPES[leaf.type],
    titleOf: (leaf) => TYPES[leaf.type]?.title || "",
    verbOf: (leaf) => TYPES[leaf.type]?.verb || "",
    words: (leaf) => TYPES[leaf.type]?.words || ["holds", "does not hold"],
    isKnown: (leaf) => Boolean(TYPES[leaf.type]),
    rawText: (leaf) => JSON.stringify(leaf.raw),

    name(node, parent) {
      const kind = this.isGroup(node) ? "Group" : "Condition";
      const index = parent.conditions.findIndex((one) => one.id === node.id);
      return `${kind} ${index + 1} of ${parent.conditions.length}`;
    },

    /* The card stays, and with it the focus: letters that are typed into the list change it. */
    changeType(leaf, type) {
      const { id, negate } = leaf;
      Object.assign(leaf, leafOf(TYPES, type, { negate }), { id });
      if (type === "field") leaf.operator = "contains";
      this.say(`${TYPES[type].title}.`);
    },

    /* The tree */

    get isFull() {
      return countLeaves(this.root) >= MOST_CONDITIONS;
    },
    depthAt(id, node = this.root, depth = 1) {
      if (node.id === id) return depth;
      for (const child of node.conditions || []) {
        const found = this.depthAt(id, child, depth + 1);
        if (found) return found;
      }
      return 0;
    },
    parentOf(id, node = this.root) {
      for (const child of node.conditions || []) {
        if (child.id === id) return node;
        const found = this.parentOf(id, child);
        if (found) return found;
      }
      return null;
    },
    mayAddGroup(node) {
      return this.depthAt(node.id) < DEEPEST && !this.isFull;
    },
    add(node) {
      const leaf = leafOf(TYPES, "");
      node.conditions.push(leaf);
      this.say("Condition added. Choose what it looks at.");
      this.focus(`#cg-${leaf.id} select`);
    },
    addGroup(node) {
      const group = {
        id: nextId(),
        match: node.match === "all" ? "any" : "all",
        conditions: [leafOf(TYPES, "")],
      };
      node.conditions.push(group);
      this.say("Group added, with a condition.");
      this.focus(`#cg-${group.id} select`);
    },
    remove(node, parent) {
      const at = parent.conditions.findIndex((one) => one.id === node.id);
      const name = this.isGroup(node) ? "Group" : "Condition";
      parent.conditions.splice(at, 1);
      this.say(`${name} removed.`);
      const next = parent.conditions[Math.min(at, parent.conditions.length - 1)];
      this.focus(next ? `#cg-${next.id} [data-tool=remove]` : `#cg-${parent.id}-add`);
    },
    move(node, parent, by) {
      const at = parent.conditions.findIndex((one) => one.id === node.id);
      const to = at + by;
      if (to < 0 || to >= parent.conditions.length) return;
      parent.conditions.splice(to, 0, ...parent.conditions.splice(at, 1));
      this.say(`Moved. ${this.name(node, parent)}.`);
      this.focusTool(node, by < 0 ? "up" : "down", by < 0 ? "down" : "up");
    },
    mayGoInto(node, parent) {
      return this.depthAt(parent.id) + Math.max(depthOf(node), 0) < DEEPEST;
    },
    /* Into the group above or below it, or else into a new group of its own. */
    into(node, parent) {
      const at = parent.conditions.findIndex((one) => one.id === node.id);
      const above = parent.conditions[at - 1];
      const below = parent.conditions[at + 1];
      parent.conditions.splice(at, 1);
      if (above && this.isGroup(above)) above.conditions.push(node);
      else if (below && this.isGroup(below)) below.conditions.unshift(node);
      else {
        const match = parent.match === "all" ? "any" : "all";
        parent.conditions.splice(at, 0, { id: nextId(), match, conditions: [node] });
      }
      this.say(`Moved into a group. ${this.name(node, this.parentOf(node.id))}.`);
      this.focusTool(node, "into", "out");
    },
    out(node, parent) {
      const outer = this.parentOf(parent.id);
      if (!outer) return;
      parent.conditions.splice(
        parent.conditions.findIndex((one) => one.id === node.id),
        1,
      );
      const at = outer.conditions.findIndex((one) => one.id === parent.id);
      outer.conditions.splice(at + 1, 0, node);
      if (!parent.conditions.length) outer.conditions.splice(at, 1);
      this.say(`Moved out of the group. ${this.name(node, outer)}.`);
      this.focusTool(node, "out", "into");
    },
    isFirst: (node, parent) => parent.conditions[0]?.id === node.id,
    isLast: (node, parent) => parent.conditions[parent.conditions.length - 1]?.id === node.id,

    /* Dragging, by the handle of a card */

    startDrag(event, node) {
      this.dragged = node.id;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", String(node.id));
      const card = document.getElementById(`cg-${node.id}`);
      if (card) event.dataTransfer.setDragImage(card, 12, 12);
    },
    endDrag() {
      this.dragged = null;
      this.target = null;
    },
    /* Above the middle of a card is before it, below is behind it; a group takes what is at its end. */
    overCard(event, node) {
      if (this.dragged === null || !this.mayDrop(node)) return;
      event.preventDefault();
      event.stopPropagation();
      const box = event.currentTarget.getBoundingClientRect();
      const isBelow = event.clientY > box.top + box.height / 2;
      this.target = { id: node.id, where: isBelow ? "after" : "before" };
    },
    overEnd(event, group) {
      if (this.dragged === null || !this.mayDrop(group, true)) return;
      event.preventDefault();
      event.stopPropagation();
      this.target = { id: group.id, where: "end" };
    },
    mayDrop(node, isInside = false) {
      const parent = this.parentOf(this.dragged);
      const moved = parent?.conditions.find((one) => one.id === this.dragged);
      if (!moved || contains(moved, node.id)) return false;
      const depth = this.depthAt(isInside ? node.id : this.parentOf(node.id)?.id ?? node.id);
      return depth + depthOf(moved) <= DEEPEST;
    },
    dropIt(event) {
      if (this.dragged === null || !this.target) return;
      event.preventDefault();
      event.stopPropagation();
      const { id, where } = this.target;
      const from = this.parentOf(this.dragged);
      const at = from.conditions.findIndex((one) => one.id === this.dragged);
      const [moved] = from.conditions.splice(at, 1);
      if (where === "end") this.nodeAt(id).conditions.push(moved);
      else {
        const to = this.parentOf(id);
        const place = to.conditions.findIndex((one) => one.id === id);
        to.conditions.splice(place + (where === "after" ? 1 : 0), 0, moved);
      }
      this.endDrag();
      this.say(`Moved. ${this.name(moved, this.parentOf(moved.id))}.`);
      this.focusTool(moved, "up", "down");
    },
    nodeAt(id, node = this.root) {
      if (node.id === id) return node;
      for (const child of node.conditions || []) {
        const found = this.nodeAt(id, child);
        if (found) return found;
      }
      return null;
    },
    isTarget(node, where) {
      return this.target?.id === node.id && this.target.where === where;
    },

    /* Focus, and what screen readers say */

    focusTool(node, ...tools) {
      const own = tools.map((tool) => `[data-tool-of="${node.id}"][data-tool=${tool}]`);
      this.focus(...own, `[data-tool-of="${node.id}"][data-tool=remove]`);
    },

    /* Alpine has no templates that hold themselves, so each group is put in when it is needed. */
    mount(element) {
      const template = document.getElementById("cg-group");
      window.Alpine.mutateDom(() => {
        element.append(template.content.cloneNode(true));
        for (const child of [...element.children]) window.Alpine.initTree(child);
      });
    },
  });

  document.addEventListener("alpine:init", () => {
    window.Alpine.data("ruleBuilder", builder);
  });
})();
