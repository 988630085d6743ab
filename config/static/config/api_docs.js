/* Fills in what the reader has entered, and sends the try-outs. Keys stay in the tab. */
(() => {
  const STORE = "throughline-api-docs";
  const values = document.querySelector("[data-values]");

  const remembered = () => {
    try {
      return JSON.parse(sessionStorage.getItem(STORE) || "{}");
    } catch {
      return {};
    }
  };
  const entered = () => Object.fromEntries(new FormData(values));
  const remember = () => {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(entered()));
    } catch {
      /* A browser that stores nothing remembers nothing. */
    }
  };

  const filled = (text, known) =>
    text.replace(/\{(\w+)\}/g, (whole, name) => (name !== "key" && known[name]) || whole);

  // What the reader has typed over an example stays.
  const fill = () => {
    const known = entered();
    for (const field of document.querySelectorAll("[data-example]")) {
      const before = field.dataset.filled ?? field.dataset.example;
      if (field.value !== before) continue;
      field.value = field.dataset.filled = filled(field.dataset.example, known);
    }
  };

  for (const [name, value] of Object.entries(remembered())) {
    const field = values.elements.namedItem(name);
    if (field) field.value = value;
  }
  values.addEventListener("input", () => {
    remember();
    fill();
  });
  values.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector("[data-forget]").addEventListener("click", () => {
    values.reset();
    sessionStorage.removeItem(STORE);
    fill();
  });
  fill();

  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

  const requestOf = (form) => {
    const key = entered().key;
    let path = form.dataset.path;
    const query = new URLSearchParams();
    const headers = {};
    for (const field of form.querySelectorAll("[data-in]")) {
      if (!field.value) continue;
      const name = field.dataset.name;
      if (field.dataset.in === "path") path = path.replace(`{${name}}`, encodeURIComponent(field.value));
      if (field.dataset.in === "query") query.append(name, field.value);
      if (field.dataset.in === "header") headers[name] = field.value;
    }
    if (form.dataset.header && key) {
      headers[form.dataset.header] = form.dataset.header === "Authorization" ? `Bearer ${key}` : key;
    }
    const area = form.querySelector("[data-body]");
    let body;
    if (area) {
      headers["Content-Type"] = form.dataset.mediaType;
      body = area.value;
      if (form.dataset.mediaType === "application/x-www-form-urlencoded") {
        const lines = body.split("\n").filter((line) => line.includes("="));
        const pairs = lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
        body = new URLSearchParams(pairs).toString();
      }
    }
    const asked = query.toString();
    return { method: form.dataset.method, url: path + (asked ? `?${asked}` : ""), headers, body };
  };

  const curlOf = ({ method, url, headers, body }) => {
    const parts = [`curl -X ${method} ${quoted(location.origin + url)}`];
    for (const [name, value] of Object.entries(headers)) {
      const key = entered().key;
      const hidden = key && value.endsWith(key) ? `"${name}: ${value.slice(0, -key.length)}$KEY"` : quoted(`${name}: ${value}`);
      parts.push(`-H ${hidden}`);
    }
    if (body) parts.push(`-d ${quoted(body)}`);
    return parts.join(" \\\n  ");
  };

  const readable = (text) => {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  };

  const send = async (form) => {
    const asked = requestOf(form);
    const show = (name, text) => {
      form.querySelector(`[data-${name}]`).textContent = text;
    };
    const begun = performance.now();
    show("curl", curlOf(asked));
    try {
      const answer = await fetch(asked.url, {
        method: asked.method,
        headers: asked.headers,
        body: asked.body,
        credentials: "omit",
        cache: "no-store",
      });
      const type = answer.headers.get("Content-Type") || "";
      const text = type.startsWith("image/") ? "(a picture)" : readable(await answer.text());
      show("status", `${answer.status} ${answer.statusText}`);
      show("request-id", `Request-Id: ${answer.headers.get("Request-Id") || "none"}`);
      show("text", text || "(the answer is empty)");
    } catch (error) {
      show("status", "No answer");
      show("request-id", "");
      show("text", String(error));
    }
    show("time", `after ${Math.round(performance.now() - begun)} ms`);
    form.querySelector("[data-answer]").hidden = false;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-try]");
    if (!form) return;
    event.preventDefault();
    const hint = form.querySelector("[data-hint]");
    if (hint) hint.hidden = Boolean(entered().key);
    send(form);
  });

  document.querySelector("[data-theme-switch]").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    try {
      localStorage.setItem("_x_adminTheme", JSON.stringify(root.dataset.theme));
    } catch {
      /* It lasts for this page, then. */
    }
  });
})();
