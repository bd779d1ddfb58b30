import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Names without hashes: the server revalidates every file by its ETag, and the program embeds them by name.
export default defineConfig({
  plugins: [svelte()],
  base: '/',
  server: { proxy: { '/v1': 'http://127.0.0.1:8080', '/bantam': 'http://127.0.0.1:8080', '/api': 'http://127.0.0.1:8080' } },
  build: {
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: 'app.js',
        chunkFileNames: 'chunk-[name].js',
        assetFileNames: ({ names }) => (names[0]?.endsWith('.css') ? 'app.css' : '[name][extname]'),
      },
    },
  },
  // One process: starting several takes longer than all tests.
  test: { include: ['tests/unit/**/*.test.ts'], pool: 'threads', fileParallelism: false, isolate: false },
});
