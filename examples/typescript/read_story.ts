// Send an email, and read what became of it: every attempt, and what the providers reported.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const sent = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: "ann@example.net",
    subject: "Your receipt",
    text: "Thank you.",
  },
});
if (sent.error) throw new Error(sent.error.detail);

for (;;) {
  const { data, error } = await api.GET("/v1/emails/{email_id}", { params: { path: { email_id: sent.data.id } } });
  if (error) throw new Error(error.detail);
  if (["queued", "sending", "sent"].includes(data.status)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    continue;
  }
  for (const attempt of data.attempts) console.log(`attempt ${attempt.number}, ${attempt.provider}: ${attempt.outcome}`);
  for (const event of data.events) console.log(`event, ${event.provider}: ${event.kind}`);
  console.log(data.id, data.status);
  break;
}
