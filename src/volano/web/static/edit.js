// Forms that show what they would do while they are filled in; their buttons do the same without it.
(d => {
const $ = (s, in_ = d) => in_.querySelectorAll(s);
const put = (at, html) => at && at.innerHTML != html && !at.contains(d.activeElement) && ((at.innerHTML = html), tell(at));
const tell = at => (d.getElementById("said").textContent = $("h3", at)[0]?.textContent || at.textContent);
const ask = async (path, sent) => {
  const got = await fetch(path, { method: "POST", body: new URLSearchParams(sent) }).catch(() => 0);
  return got.ok && !got.redirected ? got.text() : "";
};
$("form[data-edit]").forEach(form => {
  let wait, turn = 0;
  const rows = $("[data-rows]", form)[0], path = form.dataset.edit;
  const look = async () => {
    const mine = ++turn, html = await ask(path, new FormData(form));
    if (!html || mine != turn) return;
    put($("[data-result]", form)[0], html);
    if ($("[data-wait]", form)[0]) wait = setTimeout(look, 1500);
  };
  if ($("[data-wait]", form)[0]) look();
  const again = async (button, focus) => {
    const sent = new FormData(form);
    if (button) sent.append(button.name, button.value);
    const html = await ask(rows.dataset.rows, sent);
    if (!html) return;
    rows.innerHTML = html;
    focus()?.focus();
    look();
  };
  form.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(look, 400) });
  form.addEventListener("change", ({ target }) => {
    if (rows && "again" in target.dataset) again(0, () => form.elements[target.name]);
  });
  form.addEventListener("submit", event => {
    const button = event.submitter;
    if (!rows?.contains(button)) return;
    event.preventDefault();
    again(button, () => button.name == "add" ? $(".cond:last-of-type .say :is(select,input,textarea)", rows)[0] : $("[name=add]", rows)[0]);
  });
});
})(document);
