/* What cards are made of: the parts of a condition, as the builder of rules and others have them. */
(() => {
  const { guiding, nextId } = window.editing;
  const TEXT_OPERATORS = [
    ["contains", "contains"],
    ["does_not_contain", "does not contain"],
    ["starts_with", "starts with"],
    ["ends_with", "ends with"],
    ["equals", "is equal to"],
    ["not_equals", "is not equal to"],
  ];
  const NUMBER_OPERATORS = [
    ["=", "is the number"],
    ["!=", "is not the number"],
    [">", "is more than"],
    [">=", "is at least"],
    ["<", "is less than"],
    ["<=", "is at most"],
  ];
  const DATE_OPERATORS = [
    ["=", "is on"],
    ["!=", "is not on"],
    [">", "is after"],
    [">=", "is on or after"],
    ["<", "is before"],
    ["<=", "is on or before"],
  ];

  const isBlank = (text) => String(text ?? "").trim() === "";

  /* A whole number as such; anything else as it was written, and the server says what is wrong. */
  const numberOf = (text) => (/^-?\d{1,15}$/.test(String(text).trim()) ? Number(text) : text);

  const isChosen = (value, part) =>
    !isBlank(value) || part.mayBeEmpty || !(part.from || part.isNeeded);

  /* Each kind of part: its value while there is none, its value as JSON (undefined: left out), and
     whether it is filled in. What is empty is for the server to refuse: left out, a rule would match
     others. */
  const KINDS = {
    one: {
      empty: (part) => part.standard || "",
      write: (value, part) => (value === "" && part.mayBeEmpty ? undefined : value),
      isFilledIn: isChosen,
    },
    number: {
      empty: (part) => part.standard || "",
      write: (value) => (value === "" ? undefined : numberOf(value)),
      isFilledIn: (value, part) => !part.standard || !isBlank(value),
    },
    many: {
      empty: () => [],
      write: (value) => [...value],
      isFilledIn: (value) => value.length > 0,
    },
    text: {
      empty: () => ({ operator: "contains", value: "" }),
      write: ({ operator, value }) => ({ operator, value }),
      isFilledIn: ({ value }) => !isBlank(value),
    },
    properties: {
      empty: () => [],
      read: (value) => value.map((one) => ({ ...one, id: nextId() })),
      write: (value) => value.map(({ name, operator, value: text }) => ({ name, operator, value: text })),
      isFilledIn: (value) => value.every((one) => !isBlank(one.name)),
    },
    operator: { empty: () => "", write: (value) => value, isFilledIn: () => true },
    value: { empty: () => "", write: (value) => value, isFilledIn: (value) => !isBlank(value) },
  };

  const emptyValue = (part) => KINDS[part.kind].empty(part);

  /* A card of one of `types` that shows what JSON has. */
  const leafOf = (types, type, given = {}) => {
    const leaf = { id: nextId(), type, negate: Boolean(given.negate), shown: [], raw: null };
    if (type && !types[type]) {
      leaf.raw = given;
      return leaf;
    }
    const read = types[type]?.read?.(given) ?? given;
    for (const part of types[type]?.parts ?? []) {
      const value = read[part.name];
      const isThere = value !== undefined && value !== null;
      const shown = isThere ? (KINDS[part.kind].read?.(value, part) ?? value) : emptyValue(part);
      leaf[part.name] = shown;
      if (part.optional && value !== undefined) leaf.shown.push(part.name);
    }
    return leaf;
  };

  const isOpen = (leaf, part) =>
    (!part.when || part.when(leaf)) && (!part.optional || leaf.shown.includes(part.name));

  const valueOf = (leaf, part) =>
    isOpen(leaf, part) ? KINDS[part.kind].write(leaf[part.name], part) : undefined;

  const isFilledIn = (leaf, part) =>
    !isOpen(leaf, part) || KINDS[part.kind].isFilledIn(leaf[part.name], part);

  /* What an Alpine component with such cards does; it has `typeOf`, `offered`, `element` and
     `isOfRun`: whether its cards are about runs of an automation. */
  const mixin = {
    ...guiding,
    suggested: [],
    suggestionsFor: "",

    /* The parts of a condition */

    parts(leaf) {
      const parts = this.typeOf(leaf)?.parts || [];
      return parts.filter((part) => isOpen(leaf, part));
    },
    moreParts(leaf) {
      return (this.typeOf(leaf)?.parts || []).filter(
        (part) =>
          part.optional &&
          !leaf.shown.includes(part.name) &&
          (!part.when || part.when(leaf)) &&
          (!part.isOfRun || this.isOfRun),
      );
    },
    addPart(leaf, part) {
      leaf.shown.push(part.name);
      if (part.kind === "properties" && !leaf.properties.length) this.addProperty(leaf);
      this.say(`${part.label} added.`);
      this.focus(`#cg-${leaf.id}-${part.name}`);
    },
    removePart(leaf, part) {
      leaf.shown = leaf.shown.filter((name) => name !== part.name);
      leaf[part.name] = emptyValue(part);
      this.say(`${part.label} removed.`);
      this.focus(`#cg-${leaf.id} .cg-more button`);
    },
    addProperty(leaf) {
      leaf.properties.push({ id: nextId(), name: "", operator: "equals", value: "" });
    },
    removeProperty(leaf, property) {
      leaf.properties = leaf.properties.filter((one) => one.id !== property.id);
      if (!leaf.properties.length) this.removePart(leaf, { name: "properties", kind: "properties", label: "Property" });
    },
    /* Those of the event specification, and those that came in. */
    propertyNames(leaf) {
      const names = (leaf.activities || []).flatMap((code) => this.offered.properties[code] || []);
      return [...new Set([...names, ...this.suggested])];
    },

    options(part) {
      return part.options || this.offered[part.from] || [];
    },
    operators(part) {
      return part.numbers ? [...TEXT_OPERATORS, ...NUMBER_OPERATORS] : TEXT_OPERATORS;
    },
    anyOperators: () => [...TEXT_OPERATORS, ...NUMBER_OPERATORS],
    fieldOperators(leaf) {
      if (leaf.field === "birthday") return DATE_OPERATORS;
      return this.operators({ numbers: this.offered.number_fields.includes(leaf.field) });
    },
    fieldChanged(leaf) {
      if (leaf.type !== "field") return;
      const operators = this.fieldOperators(leaf).map(([name]) => name);
      if (!operators.includes(leaf.operator)) [leaf.operator] = operators;
    },
    nameOf(part, code) {
      const found = this.options(part).find(([one]) => one === code);
      return found ? found[1] : code;
    },
    isUnknown(part, code) {
      return !this.options(part).some(([one]) => one === code);
    },

    /* Adds what was typed or chosen: a name or a code of what there is. */
    pick(leaf, part, input) {
      const typed = input.value.trim();
      if (!typed) return;
      const same = (text) => text.toLowerCase() === typed.toLowerCase();
      const found =
        this.options(part).find(([code]) => same(code)) ||
        this.options(part).find(([, name]) => same(name));
      if (!found && !part.free) {
        this.say(`There is no ${part.label.toLowerCase()} “${typed}”. Choose one of the list.`);
        input.setAttribute("aria-invalid", "true");
        return;
      }
      input.removeAttribute("aria-invalid");
      const code = found ? found[0] : typed;
      if (!leaf[part.name].includes(code)) leaf[part.name] = [...leaf[part.name], code];
      input.value = "";
      this.say(`${found ? found[1] : typed} added.`);
    },
    drop(leaf, part, code) {
      leaf[part.name] = leaf[part.name].filter((one) => one !== code);
      this.say(`${this.nameOf(part, code)} removed.`);
      this.focus(`#cg-${leaf.id}-${part.name}`);
    },

    /* Offers what came before to the input that has the focus. `name` is that of a field or of a
       property. */
    async suggest(leaf, of, begun, name = "") {
      const { suggestUrl } = this.element.dataset;
      if (!suggestUrl) return;
      const query = new URLSearchParams({ of, begun, name });
      for (const code of leaf.activities || []) query.append("type", code);
      const asked = String(query);
      this.suggestionsFor = asked;
      // What stands there is of another input.
      if (!begun) this.suggested = [];
      let values = [];
      try {
        const answer = await fetch(`${suggestUrl}?${asked}`);
        if (answer.ok) ({ values } = await answer.json());
      } catch {
        // Without the hub there is nothing to offer, and the text can be typed.
      }
      if (this.suggestionsFor === asked) this.suggested = values;
    },
  };

  window.ruleParts = {
    KINDS,
    NUMBER_OPERATORS,
    isBlank,
    isFilledIn,
    leafOf,
    mixin,
    nextId,
    valueOf,
  };
})();
