/** The version of the action. `npm run build` writes that of package.json into dist/. */
export const version: string = 'unreleased'
