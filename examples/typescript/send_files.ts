// Send HTML with a picture in it, a file, and what only your program knows of the email.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const { data, error } = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: ["Ann <ann@example.net>", { email: "bob@example.net", name: "Bob" }],
    cc: ["carol@example.net"],
    reply_to: "help@example.com",
    subject: "Your invoice",
    text: "Your invoice is attached.",
    html: '<p>Your invoice is attached.</p><img src="cid:logo" alt="">',
    attachments: [
      { filename: "invoice.csv", content: Buffer.from("item,price\nbook,19.90\n").toString("base64") },
      { filename: "logo.png", content: PICTURE, content_id: "logo" },
    ],
    headers: { "X-Campaign": "invoices" },
    tags: ["invoice"],
    metadata: { order: "4711" },
  },
});
if (error) throw new Error(error.detail);
console.log(data.id, data.status);
