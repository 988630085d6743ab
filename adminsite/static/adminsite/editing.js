/* What the editors of the admin share: ids of what they draw, where the focus goes, and what screen
   readers say. */
(() => {
  let lastId = 0;
  const nextId = () => {
    lastId += 1;
    return lastId;
  };

  /* For an Alpine component with an `element`, whose page shows the `announcement`. */
  const guiding = {
    announcement: "",

    say(text) {
      this.announcement = "";
      this.$nextTick(() => {
        this.announcement = text;
      });
    },
    /* To the first of these that is there and takes it. */
    focus(...selectors) {
      this.$nextTick(() => {
        setTimeout(() => {
          for (const selector of selectors) {
            const found = this.element.querySelector(selector);
            if (found && !found.disabled) {
              found.focus();
              return;
            }
          }
        });
      });
    },
  };

  window.editing = { guiding, nextId };
})();
