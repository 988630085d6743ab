/* The kinds of steps and triggers: what the editor calls them, and the parts of their cards. */
(() => {
  const { KINDS, isBlank } = window.ruleParts;

  const UNITS = [
    ["second", "seconds"],
    ["minute", "minutes"],
    ["hour", "hours"],
    ["day", "days"],
    ["week", "weeks"],
  ];
  const WEEKDAYS = [
    ["mon", "Mon"],
    ["tue", "Tue"],
    ["wed", "Wed"],
    ["thu", "Thu"],
    ["fri", "Fri"],
    ["sat", "Sat"],
    ["sun", "Sun"],
  ];
  const ALL = { match: "all", conditions: [] };

  const readDuration = (text) => {
    const [, count, unit] = /^\s*(\S*?)\s*(second|minute|hour|day|week)s?\s*$/i.exec(text) || [];
    return { count: count ?? text, unit: (unit || "day").toLowerCase() };
  };
  const writeDuration = ({ count, unit }) => {
    const text = String(count).trim();
    return text === "" ? "" : `${text} ${unit}${text === "1" ? "" : "s"}`;
  };
  const hasText = (value) => !isBlank(value);

  Object.assign(KINDS, {
    plain: {
      empty: (part) => part.standard || "",
      write: (value) => value,
      isFilledIn: (value, part) => part.mayBeBlank || hasText(value),
    },
    template: { empty: () => "", write: (value) => value, isFilledIn: hasText },
    time: { empty: (part) => part.standard || "", write: (value) => value, isFilledIn: hasText },
    duration: {
      empty: (part) => readDuration(part.standard || ""),
      read: readDuration,
      write: writeDuration,
      isFilledIn: ({ count }) => hasText(count),
    },
    weekdays: {
      empty: () => [],
      write: (value) =>
        value.length ? WEEKDAYS.map(([day]) => day).filter((day) => value.includes(day)) : undefined,
      isFilledIn: () => true,
    },
    zone: {
      empty: () => ({ of: "hub", name: "" }),
      read: (value) => (value === "contact" ? { of: value, name: "" } : { of: "other", name: value }),
      write: ({ of, name }) => ({ hub: undefined, contact: "contact", other: name })[of],
      isFilledIn: () => true,
    },
    late: {
      empty: () => ({ count: "2", unit: "hour", then: "skip" }),
      read: (value) => ({ ...readDuration(value.after), then: value.then || "do" }),
      write: ({ then, ...after }) => ({ after: writeDuration(after), then }),
      isFilledIn: ({ count }) => hasText(count),
    },
    rule: {
      empty: () => JSON.parse(JSON.stringify(ALL)),
      write: (value) => value,
      isFilledIn: () => true,
    },
  });

  const LATE = {
    name: "late",
    kind: "late",
    label: "If it comes late",
    optional: true,
  };
  const ZONE = { name: "zone", kind: "zone", label: "Time zone" };
  const PLACES =
    "Places such as {{ contact.first_name }} and %EVENT: name% are filled in for each contact.";
  const quoted = (text) => `“${text}”`;

  /* Each kind of step: `say` is the line on its card, `begin` what a new one has, `read` and `write`
     lead from and to the members that files have. */
  const STEPS = {
    email: {
      title: "Send email",
      icon: "mail",
      help: "An email that is written under “Templates”",
      parts: [{ name: "template", kind: "template", from: "templates", label: "Template" }, LATE],
      say: (step, name) => (step.template ? `Send ${quoted(name("templates", step.template))}` : ""),
    },
    wait: {
      title: "Wait",
      icon: "schedule",
      help: "For a time, until an hour, or until a rule holds",
      begin: { for: "1 day" },
      read: (given) => ({
        ...given,
        how: given.rule ? "rule" : given.until === undefined ? "for" : "until",
      }),
      write: ({ how: _, ...json }) => json,
      parts: [
        {
          name: "how",
          kind: "one",
          label: "What the step waits for",
          options: [
            ["for", "for a time"],
            ["until", "until a time of day"],
            ["rule", "until a rule holds"],
          ],
          standard: "for",
        },
        {
          name: "for",
          kind: "duration",
          label: "How long",
          when: (step) => step.how === "for",
          standard: "1 day",
        },
        {
          name: "until",
          kind: "time",
          label: "Time of day",
          when: (step) => step.how === "until",
          standard: "09:00",
        },
        {
          name: "weekdays",
          kind: "weekdays",
          label: "Weekdays",
          when: (step) => step.how === "until",
        },
        { ...ZONE, when: (step) => step.how === "until" },
        { name: "rule", kind: "rule", label: "Rule", when: (step) => step.how === "rule" },
        {
          name: "at_most",
          kind: "duration",
          label: "At most",
          when: (step) => step.how === "rule",
          optional: true,
          standard: "7 days",
        },
      ],
      say: (step) => {
        if (step.how === "for") return `Wait ${writeDuration(step.for)}`;
        if (step.how === "until") {
          const days = WEEKDAYS.filter(([day]) => step.weekdays.includes(day)).map(([, day]) => day);
          return `Wait until ${step.until}${days.length ? ` on ${days.join(", ")}` : ""}`;
        }
        const most = step.shown.includes("at_most") ? `, at most ${writeDuration(step.at_most)}` : "";
        return `Wait until a rule holds${most}`;
      },
    },
    if: {
      title: "If",
      icon: "alt_route",
      help: "One way for contacts for whom a rule holds, another for the others",
      begin: { rule: ALL, then: [], else: [] },
      parts: [{ name: "rule", kind: "rule", label: "Rule" }],
      branches: (given) => [given.then || [], given.else || []].map((steps) => ({ steps })),
      join: (json, lists) => ({ ...json, then: lists[0], else: lists[1] }),
      pathOf: (number) => ["then", "else"][number],
      nameOf: (branch, number) => ["Then", "Else"][number],
      say: () => "If a rule holds",
    },
    split: {
      title: "Split at random",
      icon: "shuffle",
      help: "Chance decides; an empty branch is a control group",
      begin: { shares: [50, 50], branches: [[], []] },
      parts: [],
      branches: (given) =>
        given.branches.map((steps, number) => ({ steps, share: String(given.shares[number] ?? "") })),
      join: (json, lists, step) => ({
        ...json,
        shares: step.branches.map(({ share }) => (/^\d{1,4}$/.test(share.trim()) ? Number(share) : share)),
        branches: lists,
      }),
      pathOf: (number) => `branches[${number}]`,
      nameOf: (branch, number) =>
        `Branch ${number + 1}, ${branch.share || "?"} %${branch.steps.length ? "" : ": a control group"}`,
      say: (step) => `Split ${step.branches.map(({ share }) => share || "?").join(" : ")}`,
    },
    log_activity: {
      title: "Log activity",
      icon: "edit_note",
      help: "Something to find in the timeline, and to react to",
      parts: [
        { name: "activity", kind: "one", from: "own_activities", label: "Activity type" },
        { name: "value", kind: "plain", label: "Value", optional: true, help: PLACES },
        LATE,
      ],
      say: (step, name) =>
        step.activity ? `Log ${quoted(name("own_activities", step.activity))}` : "",
    },
    set_field: {
      title: "Set field",
      icon: "badge",
      help: "A field of the contact gets a value",
      parts: [
        { name: "field", kind: "one", from: "settable_fields", label: "Field" },
        { name: "value", kind: "plain", label: "Value", before: "to", help: `${PLACES} Empty: the field is emptied.`, mayBeBlank: true },
        LATE,
      ],
      say: (step, name) =>
        step.field ? `Set ${name("settable_fields", step.field)} to ${quoted(step.value)}` : "",
    },
    group: {
      title: "Add to group, or remove",
      icon: "group_add",
      help: "A static group gets the contact, or loses it",
      read: (given) => ({
        ...given,
        does: given.remove === undefined ? "add" : "remove",
        group: given.add ?? given.remove,
      }),
      write: ({ does, group, ...json }) => ({ ...json, [does]: group }),
      parts: [
        {
          name: "does",
          kind: "one",
          label: "Add or remove",
          options: [
            ["add", "Add to"],
            ["remove", "Remove from"],
          ],
          standard: "add",
        },
        { name: "group", kind: "one", from: "static_groups", label: "Static group" },
        LATE,
      ],
      say: (step, name) => {
        const group = quoted(name("static_groups", step.group));
        if (!step.group) return "";
        return step.does === "add" ? `Add to ${group}` : `Remove from ${group}`;
      },
    },
    destination: {
      title: "Send to destination",
      icon: "send",
      help: "Another system is told of the contact",
      parts: [{ name: "destination", kind: "one", from: "destinations", label: "Destination" }, LATE],
      say: (step, name) =>
        step.destination ? `Send to ${quoted(name("destinations", step.destination))}` : "",
    },
    stop: {
      title: "Stop",
      icon: "stop_circle",
      help: "The contact leaves the automation",
      parts: [],
      say: () => "Stop",
    },
  };

  const RULE = { name: "rule", kind: "rule", label: "Only contacts for whom a rule holds", optional: true };
  const TRIGGERS = {
    activity: {
      title: "Event is recorded (an activity)",
      icon: "bolt",
      parts: [
        { name: "activities", kind: "many", from: "activities", label: "Activity", free: true },
        { name: "value", kind: "text", label: "Value", numbers: true, optional: true },
        { name: "url", kind: "text", label: "URL", optional: true },
        { name: "properties", kind: "properties", label: "Property", optional: true },
        RULE,
      ],
    },
    group: {
      title: "Group is entered or left",
      icon: "groups",
      parts: [
        {
          name: "on",
          kind: "one",
          label: "Entered or left",
          options: [
            ["entry", "A contact enters"],
            ["exit", "A contact leaves"],
          ],
          standard: "entry",
        },
        { name: "group", kind: "one", from: "groups", label: "Group" },
        RULE,
      ],
    },
    consent: {
      title: "Consent is given or revoked",
      icon: "handshake",
      parts: [
        {
          name: "on",
          kind: "one",
          label: "Given or revoked",
          options: [
            ["agree", "A contact agrees to"],
            ["revoke", "A contact revokes"],
          ],
          standard: "agree",
        },
        { name: "consent", kind: "one", from: "consents", label: "Consent" },
        RULE,
      ],
    },
    field: {
      title: "Field of a contact changes",
      icon: "contact_page",
      parts: [{ name: "field", kind: "one", from: "fields", label: "Field" }, RULE],
    },
    date: {
      title: "Date comes, every year",
      icon: "cake",
      parts: [
        {
          name: "days_before",
          kind: "number",
          label: "Days before",
          after: "days before the",
          standard: "0",
        },
        {
          name: "field",
          kind: "one",
          label: "Date",
          options: [["birthday", "birthday"]],
          standard: "birthday",
        },
        { name: "at", kind: "time", label: "Time of day", before: "at", standard: "09:00" },
        ZONE,
        RULE,
      ],
    },
    manual: {
      title: "Started by hand or by a program",
      icon: "touch_app",
      parts: [RULE],
    },
  };

  window.automationKinds = { STEPS, TRIGGERS, UNITS, WEEKDAYS };
})();
