// Ask whether every part of the service works. Needs no key.

import createClient from "openapi-fetch";

import type { paths } from "./emailsminder.js";

const api = createClient<paths>({
  baseUrl: process.env.EMAILSMINDER_URL ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.EMAILSMINDER_KEY ?? "em_local_development"}` },
});

const { data, error } = await api.GET("/health");
console.log(data?.status ?? error?.status);
for (const [name, state] of Object.entries(data?.parts ?? error?.parts ?? {})) console.log(`${name}: ${state}`);
