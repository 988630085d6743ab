/* Steps inside of steps: how they become cards and JSON again, and how cards are added, moved and
   dragged. */
(() => {
  const { STEPS, TRIGGERS } = window.automationKinds;
  const { leafOf, nextId, valueOf } = window.ruleParts;
  const DEEPEST = 8;
  const MOST_STEPS = 200;

  /* Runs and counts know a step by its key, so that a new step may not have that of another one. */
  const newKey = () =>
    [...crypto.getRandomValues(new Uint8Array(4))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");

  const branchesOf = (kind, given) =>
    (kind?.branches?.(given) ?? []).map((branch) => ({
      ...branch,
      id: nextId(),
      steps: branch.steps.map(stepOf),
    }));

  const stepOf = (given) => {
    const step = leafOf(STEPS, given.type, given);
    step.id = given.key || newKey();
    step.branches = branchesOf(STEPS[given.type], given);
    return step;
  };

  const triggerOf = (given) => {
    const trigger = leafOf(TRIGGERS, given.type, given);
    return { ...trigger, id: "trigger", isTrigger: true, branches: [] };
  };

  const membersOf = (kind, leaf) => {
    const json = {};
    for (const part of kind.parts) {
      const value = valueOf(leaf, part);
      if (value !== undefined) json[part.name] = value;
    }
    return kind.write ? kind.write(json) : json;
  };

  /* A step as JSON; `places` gets the keys of steps by their paths. */
  const jsonOf = (step, path, places) => {
    places[path] = step.id;
    if (step.raw) return step.raw;
    const kind = STEPS[step.type];
    const json = { key: step.id, type: step.type, ...membersOf(kind, step) };
    const lists = step.branches.map((branch, number) =>
      listOf(branch.steps, `${path}.${kind.pathOf(number)}`, places),
    );
    return kind.join ? kind.join(json, lists, step) : json;
  };

  const listOf = (steps, path, places) =>
    steps.map((step, number) => jsonOf(step, `${path}[${number}]`, places));

  const without = ({ key: _, ...json }) => {
    for (const [name, value] of Object.entries(json)) {
      if (["then", "else"].includes(name)) json[name] = value.map(without);
      if (name === "branches") json[name] = value.map((steps) => steps.map(without));
    }
    return json;
  };

  const countOf = (steps) =>
    steps.reduce(
      (sum, step) => sum + 1 + step.branches.reduce((inner, one) => inner + countOf(one.steps), 0),
      0,
    );

  const depthOf = (step) =>
    Math.max(0, ...step.branches.map(({ steps }) => 1 + Math.max(0, ...steps.map(depthOf))));

  const isInside = (step, id) =>
    step.id === id || step.branches.some(({ steps }) => steps.some((one) => isInside(one, id)));

  /* What the editor does with its `steps`. */
  const tree = {
    /* The tree */

    isFull() {
      return countOf(this.steps) >= MOST_STEPS;
    },
    /* Where the step is: the list, the place in it, and the step and branch that have the list. */
    placeOf(id, list = this.steps, owner = null, branch = null, depth = 1) {
      const index = list.findIndex((step) => step.id === id);
      if (index >= 0) return { list, index, owner, branch, depth };
      for (const step of list) {
        for (const one of step.branches) {
          const found = this.placeOf(id, one.steps, step, one, depth + 1);
          if (found) return found;
        }
      }
      return null;
    },
    depthOfList(owner) {
      return owner ? this.placeOf(owner.id).depth + 1 : 1;
    },
    slot: (owner, branch, index) => `${owner?.id ?? "root"}-${branch?.id ?? 0}-${index}`,
    choose(slot) {
      this.adding = this.adding === slot ? "" : slot;
      if (this.adding) this.focus(`#ae-kinds-${slot} button`);
    },
    stopChoosing(slot) {
      this.adding = "";
      this.focus(`#ae-add-${slot}`);
    },
    mayAdd(type, owner) {
      return !this.isFull() && (!STEPS[type].branches || this.depthOfList(owner) < DEEPEST);
    },
    add(list, index, type) {
      const step = stepOf({ ...JSON.parse(JSON.stringify(STEPS[type].begin ?? {})), type });
      list.splice(index, 0, step);
      this.adding = "";
      this.opened[step.id] = true;
      this.say(`${this.name(step, list)} added.`);
      this.focus(`#ae-${step.id}-body :is(select, input, button)`, `#ae-${step.id}-title`);
    },
    copy(step, list) {
      const copied = stepOf(without(jsonOf(step, "", {})));
      list.splice(list.findIndex((one) => one.id === step.id) + 1, 0, copied);
      this.say(`Copied. ${this.name(copied, list)}.`);
      this.focusTool(copied, "copy");
    },
    remove(step, list) {
      const at = list.findIndex((one) => one.id === step.id);
      const { owner, branch } = this.placeOf(step.id);
      const name = this.name(step, list);
      list.splice(at, 1);
      this.say(`${name} removed. Undo brings it back.`);
      const next = list[Math.min(at, list.length - 1)];
      if (next) this.focusTool(next, "remove");
      else this.focus(`#ae-add-${this.slot(owner, branch, 0)}`);
    },
    /* Up and down in its list, and from one branch into the next. */
    neighbour(step, by) {
      const place = this.placeOf(step.id);
      // The card of a step that was removed is there for a moment longer.
      if (!place) return null;
      const { list, index, owner, branch } = place;
      if (list[index + by]) return { list, index: index + by };
      const other = owner?.branches[owner.branches.indexOf(branch) + by];
      return other ? { list: other.steps, index: by < 0 ? other.steps.length : 0 } : null;
    },
    move(step, by) {
      const to = this.neighbour(step, by);
      if (to) this.put(step, to, by < 0 ? "up" : "down", by < 0 ? "down" : "up");
    },
    /* Into the first branch of the step above it, or below it. */
    inner(step) {
      const place = this.placeOf(step.id);
      if (!place) return null;
      const { list, index, depth } = place;
      const above = list[index - 1]?.branches[0];
      const below = list[index + 1]?.branches[0];
      if (!(above || below) || depth + 1 + depthOf(step) > DEEPEST) return null;
      return above
        ? { list: above.steps, index: above.steps.length }
        : { list: below.steps, index: 0 };
    },
    into(step) {
      this.put(step, this.inner(step), "into", "out");
    },
    out(step) {
      const { owner } = this.placeOf(step.id);
      if (!owner) return;
      const { list, index } = this.placeOf(owner.id);
      this.put(step, { list, index: index + 1 }, "out", "into");
    },
    put(step, to, ...tools) {
      const from = this.placeOf(step.id);
      const [moved] = from.list.splice(from.index, 1);
      to.list.splice(to.index, 0, moved);
      const place = this.placeOf(step.id);
      const where = place.branch ? `, ${this.branchName(place.owner, place.branch)}` : "";
      this.say(`Moved. ${this.name(moved, place.list)}${where}.`);
      this.focusTool(moved, ...tools);
    },
    focusTool(step, ...tools) {
      const own = [...tools, "remove"].map((tool) => `#ae-${step.id}-${tool}`);
      this.focus(...own);
    },

    /* Dragging, by the handle of a card */

    startDrag(event, step) {
      this.dragged = step.id;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", step.id);
      event.dataTransfer.setDragImage(document.getElementById(`ae-${step.id}`), 12, 12);
    },
    endDrag() {
      this.dragged = null;
      this.target = null;
    },
    over(event, list, owner, index) {
      if (this.dragged === null || !this.mayDrop(owner)) return;
      event.preventDefault();
      event.stopPropagation();
      const card = event.currentTarget.querySelector(".ae-card");
      const box = (card || event.currentTarget).getBoundingClientRect();
      const isBelow = card && event.clientY > box.top + Math.min(box.height, 80) / 2;
      this.target = { list, slot: event.currentTarget.dataset.slot, index: index + (isBelow ? 1 : 0), isBelow };
    },
    mayDrop(owner) {
      const { list, index } = this.placeOf(this.dragged);
      if (owner && isInside(list[index], owner.id)) return false;
      return this.depthOfList(owner) + depthOf(list[index]) <= DEEPEST;
    },
    dropIt(event) {
      if (this.dragged === null || !this.target) return;
      event.preventDefault();
      event.stopPropagation();
      const { list, index } = this.target;
      const from = this.placeOf(this.dragged);
      const isBehind = from.list === list && from.index < index;
      const step = from.list[from.index];
      this.endDrag();
      this.put(step, { list, index: isBehind ? index - 1 : index }, "up", "down");
    },
    isTarget(slot, isBelow) {
      return this.target?.slot === slot && Boolean(this.target.isBelow) === isBelow;
    },
  };

  window.automationSteps = { countOf, listOf, membersOf, stepOf, tree, triggerOf };
})();
