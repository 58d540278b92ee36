const isStatic = Boolean(process.env.STATIC);

export default { ssr: !isStatic, prerender: isStatic ? ["/", "/about"] : [] };
