/** Elements by function calls: the page builds no HTML from text, so no name can become markup. */

const ATTRIBUTES = /^(class|role|for)$|^(data|aria)-/;

/**
 * Make an element. `props` sets properties; `class`, `data-…`, `aria-…`, `role` and `for` set
 * attributes; `on…` functions become listeners. Children that are null or false are left out.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(element, name, value);
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {any} value
 */
function setProp(element, name, value) {
  if (value === undefined || value === null) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (ATTRIBUTES.test(name)) element.setAttribute(name, String(value));
  else /** @type {any} */ (element)[name] = value;
}

/**
 * Replace what is in a host, and keep the focus and the scroll position: an element with the
 * same `data-key` gets the focus back.
 * @param {HTMLElement} host
 * @param {Iterable<Node>} children
 */
export function replaceKeepingFocus(host, children) {
  const active = document.activeElement;
  const key = host.contains(active) ? active?.getAttribute("data-key") : null;
  const top = host.scrollTop;
  host.replaceChildren(...children);
  host.scrollTop = top;
  if (!key) return;
  const again = host.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/**
 * Call `action` before the next picture of the page, once for all calls until then.
 * @param {() => void} action
 */
export function onceAFrame(action) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      action();
    });
  };
}

/**
 * Call `action` once the calls have stopped for `wait` milliseconds.
 * @param {() => void} action
 * @param {number} wait
 */
export function debounce(action, wait) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(action, wait);
  };
}
