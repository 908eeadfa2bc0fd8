// Take an account out, and bring it back. Needs a key with the scope admin.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const params = { path: { name: "sendgrid" } };

const paused = await api.POST("/v1/providers/{name}/pause", { params });
if (paused.error) throw new Error(paused.error.detail);
console.log(paused.data.name, paused.data.paused ? "paused" : "in use");

const resumed = await api.POST("/v1/providers/{name}/resume", { params });
if (resumed.error) throw new Error(resumed.error.detail);
console.log(resumed.data.name, resumed.data.paused ? "paused" : "in use");

const { data, error } = await api.GET("/v1/providers");
if (error) throw new Error(error.detail);
for (const provider of data.providers) console.log(`${provider.name}: weight ${provider.weight}`);
