/** Makes a process that preloads it (`--import`) believe that it runs on Windows. */
Object.defineProperty(process, 'platform', { value: 'win32' })
