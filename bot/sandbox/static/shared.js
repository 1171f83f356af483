// What every part of the page needs: words, elements made without markup, questions to the demo.

export const words = JSON.parse(document.body.dataset.words);
const language = document.documentElement.lang;

export function element(name, options = {}, ...children) {
  const { className, ...rest } = options;
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(rest)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function button(label, pressed, options = {}) {
  const made = element("button", { type: "button", ...options }, label);
  made.addEventListener("click", pressed);
  return made;
}

export function link(label, address) {
  if (!/^https?:\/\//.test(address)) return document.createTextNode(label);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

export async function ask(path, fields) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) };
  let response;
  try {
    response = await fetch(`/sandbox/api/${path}`, fields === undefined ? {} : post);
  } catch {
    throw new Error("offline");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(words[answer.error] ? answer.error : "offline");
  return answer;
}

export function trouble(root, name) {
  const place = root.querySelector(".trouble");
  place.textContent = name ? words[name] || words.offline : "";
  place.hidden = !name;
}

// A date without a time, as people write it here: the page never reckons with the browser's own zone.
export function day(date) {
  const shape = { year: "numeric", month: "short", day: "numeric", weekday: "short", timeZone: "UTC" };
  return new Intl.DateTimeFormat(language, shape).format(new Date(`${date}T00:00Z`));
}
