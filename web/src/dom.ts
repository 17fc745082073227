// Elements. Text only ever enters as text.

type Child = Node | string;

export interface Props {
  class?: string;
  title?: string;
  on?: Record<string, (e: Event) => void>;
  attrs?: Record<string, string>;
  style?: Record<string, string>;
}

function fill<E extends Element & ElementCSSInlineStyle>(e: E, props: Props, children: readonly Child[]): E {
  if (props.class !== undefined) e.setAttribute("class", props.class);
  if (props.title !== undefined) e.setAttribute("title", props.title);
  for (const [name, value] of Object.entries(props.attrs ?? {})) e.setAttribute(name, value);
  for (const [name, value] of Object.entries(props.style ?? {})) e.style.setProperty(name, value);
  for (const [name, handler] of Object.entries(props.on ?? {})) e.addEventListener(name, handler);
  e.append(...children);
  return e;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

export interface Choice<T extends string> {
  value: T;
  says: string;
}

/** A labelled select. */
export function choose<T extends string>(label: string, choices: readonly Choice<T>[], now: T, changed: (value: T) => void): HTMLElement {
  const select = h("select", {}, ...choices.map((c) => h("option", { attrs: { value: c.value } }, c.says)));
  select.value = now;
  select.addEventListener("change", () => {
    const chosen = choices.find((c) => c.value === select.value);
    if (chosen !== undefined) changed(chosen.value);
  });
  return h("label", { class: "field" }, h("span", {}, label), select);
}

/** A column head that sorts. */
export function sortHead(text: string, says: string, state: "ascending" | "descending" | "none", sort: () => void, left = false): HTMLElement {
  const arrow = state === "none" ? "" : state === "ascending" ? " \u25b2" : " \u25bc";
  const button = h("button", { attrs: { type: "button" }, title: says, on: { click: sort } }, text + arrow);
  return h("th", { class: left ? "left" : "", attrs: { scope: "col", "aria-sort": state } }, button);
}
