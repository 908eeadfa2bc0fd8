// Send with a test key, which reaches nobody: the part before the @ says what becomes of a recipient.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_TEST_KEY ?? "em_test_local_development"}` },
});

const sent = await api.POST("/v1/emails", {
  body: {
    from: "App <no-reply@example.com>",
    to: ["bounced+order-7@example.net", "failover@example.net"],
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
  for (const recipient of data.recipients) {
    console.log(`${recipient.address}: ${recipient.status}, through ${recipient.provider}`);
  }
  break;
}
