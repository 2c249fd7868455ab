export const id = 388;
export const ids = [388];
export const modules = {

/***/ 9388:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  annotate: () => (/* binding */ annotate),
  codeLink: () => (/* binding */ codeLink),
  warnOfLeftover: () => (/* binding */ warnOfLeftover)
});

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(6421);
;// CONCATENATED MODULE: ./build/core/text.js
/** Small texts that several rooms make. */
/** What a thrown value says. An AggregateError (several addresses were tried) says what each of them said. */
function messageOf(thrown) {
    if (thrown instanceof AggregateError)
        return thrown.errors.map(messageOf).join('; ');
    return thrown instanceof Error ? thrown.message : String(thrown);
}
/** As much of a text as a person reads; others may send very long ones. Twice is as once. @param most characters, and some more */
const shortened = (text, most) => (text.length <= most + 50 ? text : `${text.slice(0, most)}... (${text.length - most} characters more)`);
/** Milliseconds as seconds: `0.3 s`, `15 s` */
const inSeconds = (time) => `${Math.round(time / 100) / 10} s`;
/** A distinguished name on one line: Node gives one attribute a line, and undefined for an empty name. */
const oneLine = (distinguishedName) => (distinguishedName ?? '').split('\n').join(', ');
/** A time in the unit that says enough: `40 seconds`, `14 minutes`, `3 hours`, `2 days`. @param time milliseconds */
function inWords(time) {
    const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]];
    const [name, length] = units.find(([, each]) => time >= 2 * each) ?? ['second', 1000];
    const count = Math.max(0, Math.floor(time / length));
    return `${count} ${name}${count === 1 ? '' : 's'}`;
}

;// CONCATENATED MODULE: ./build/report/failure.js
/** The one annotation of a failed run: what is wrong and what to do, for every problem that was found. */


/**
 * Where docs/troubleshooting.md explains a code.
 * @param environment the runner says which repository the action came from; nothing for one of the workflow's own repository
 * @returns undefined when that is not known
 */
function codeLink(code, environment = process.env) {
    const repository = environment['GITHUB_ACTION_REPOSITORY'];
    if (!repository)
        return undefined;
    return `${environment['GITHUB_SERVER_URL'] ?? 'https://github.com'}/${repository}/blob/${environment['GITHUB_ACTION_REF'] || 'HEAD'}/docs/troubleshooting.md#${code}`;
}
/** Writes the annotation and makes the job fail. */
function annotate(error, redactor) {
    const text = error.all.map((problem) => `${problem.message}\nWhat to do: ${problem.remedy}`).join('\n\n');
    const title = `Milvus ALB: ${error.code} in ${error.step ?? 'preflight'}`;
    core/* error */.z3(redactor.redact(`${text}\n\n${codeLink(error.code) ?? `docs/troubleshooting.md explains ${error.code}.`}`), { title });
    process.exitCode = core/* ExitCode */.yU.Failure;
}
/** Says what secrets may still lie in; it fails no job. */
function warnOfLeftover(path, thrown) {
    core/* warning */.$e(`${path}, a directory of this action on the runner, could not be removed: ${messageOf(thrown)}`, { title: 'Milvus ALB' });
}


/***/ })

};
