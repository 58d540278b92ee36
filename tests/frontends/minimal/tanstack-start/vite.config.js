import { tanstackStart } from "@tanstack/react-start/plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const spa = { enabled: Boolean(process.env.STATIC) };

export default defineConfig({
  plugins: [tanstackStart({ spa }), react()],
  build: { manifest: true },
});
