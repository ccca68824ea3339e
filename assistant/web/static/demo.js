// Stands for a shop's own sign-in: its server would sign the token, here the demonstration does.
const who = document.getElementById("who");
const { samples } = await (await fetch("/api/v1/me")).json();
for (const { customer_id: id } of samples) who.add(new Option(`customer ${id}`, id));
who.addEventListener("change", async () => {
  if (!who.value) return;
  const answer = await fetch("/api/v1/sign-in/sample", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ customer_id: who.value }),
  });
  const { token } = await answer.json();
  window.aisle.signIn(token);
});
