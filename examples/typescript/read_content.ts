// Read back what was sent: its text, each attachment, and the whole email as MIME.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const { data: email, error } = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: "ann@example.net",
    subject: "Your receipt",
    text: "Thank you.",
    attachments: [{ filename: "receipt.txt", content: "NDcxMTogMTkuOTA=", content_type: "text/plain" }],
  },
});
if (error) throw new Error(error.detail);

const path = { email_id: email.id };
const { data: content, error: lost } = await api.GET("/v1/emails/{email_id}/content", { params: { path } });
if (lost) throw new Error(lost.detail);
console.log(content.text);
for (const { number, filename } of content.attachments) {
  const { data, error, response } = await api.GET("/v1/emails/{email_id}/attachments/{number}", {
    params: { path: { ...path, number } },
    parseAs: "arrayBuffer",
  });
  if (error) throw new Error(error.detail);
  console.log(filename, response.headers.get("content-type"), data.byteLength, "bytes");
}
const raw = await api.GET("/v1/emails/{email_id}/raw", { params: { path }, parseAs: "text" });
if (raw.error) throw new Error(raw.error.detail);
console.log(raw.response.headers.get("content-type"));
