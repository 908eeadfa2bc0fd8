// List what was sent to somebody, page by page, newest first.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

for (const subject of ["First", "Second", "Third"]) {
  const { error } = await api.POST("/v1/emails", {
    body: { from: "no-reply@example.com", to: "list@example.net", subject, text: "It works." },
  });
  if (error) throw new Error(error.detail);
}

let after: string | null | undefined;
while (after !== null) {
  const { data, error } = await api.GET("/v1/emails", {
    params: { query: { recipient: "list@example.net", limit: 2, ...(after && { after }) } },
  });
  if (error) throw new Error(error.detail);
  for (const email of data.emails) console.log(email.id, email.status, email.subject);
  after = data.after;
}
