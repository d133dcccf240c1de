// The settings: colours, size of the text, what Enter does, and the visitor's own data.

export function showSettings() {}
