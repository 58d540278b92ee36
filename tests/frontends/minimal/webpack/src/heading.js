export const heading = "as committed";
