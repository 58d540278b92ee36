// What is small would be in the page itself.
export default { vite: { build: { assetsInlineLimit: 0 } } };
