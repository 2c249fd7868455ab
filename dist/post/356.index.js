export const id = 356;
export const ids = [356];
export const modules = {

/***/ 6356:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  annotateFailure: () => (/* binding */ annotateFailure),
  troubleshootingUrl: () => (/* binding */ troubleshootingUrl),
  warnRemovalFailed: () => (/* binding */ warnRemovalFailed)
});

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(6421);
;// CONCATENATED MODULE: ./build/util/text.js
/** Small texts that several rooms make. */
/**
 * What a thrown value says. An AggregateError (several addresses were tried) says what each of them
 * said.
 */
function getErrorMessage(thrown) {
    if (thrown instanceof AggregateError)
        return thrown.errors.map(getErrorMessage).join('; ');
    return thrown instanceof Error ? thrown.message : String(thrown);
}
/**
 * As much of a text as a person reads; others may send very long ones. Twice is as once.
 * @param maxLength characters, and some more
 */
const truncate = (text, maxLength) => text.length <= maxLength + 50
    ? text
    : `${text.slice(0, maxLength)}... (${text.length - maxLength} characters more)`;
/** Milliseconds as seconds: `0.3 s`, `15 s` */
const formatSeconds = (milliseconds) => `${Math.round(milliseconds / 100) / 10} s`;
/**
 * A distinguished name on one line: Node gives one attribute a line, and undefined for an empty
 * name.
 */
const formatDistinguishedName = (distinguishedName) => (distinguishedName ?? '').split('\n').join(', ');
/**
 * A time in the unit that says enough: `40 seconds`, `14 minutes`, `3 hours`, `2 days`.
 * @param milliseconds milliseconds
 */
function formatDuration(milliseconds) {
    const units = [
        ['day', 86_400_000],
        ['hour', 3_600_000],
        ['minute', 60_000],
        ['second', 1000],
    ];
    const [name, unitLength] = units.find(([, unitMilliseconds]) => milliseconds >= 2 * unitMilliseconds) ?? ['second', 1000];
    const count = Math.max(0, Math.floor(milliseconds / unitLength));
    return `${count} ${name}${count === 1 ? '' : 's'}`;
}

;// CONCATENATED MODULE: ./build/reporting/failure.js
/**
 * The one annotation of a failed run: what is wrong and what to do, for every problem that was
 * found.
 */


/**
 * Where docs/troubleshooting.md explains a code.
 * @param env the runner says which repository the action came from; nothing for one of the
 *   workflow's own repository
 * @returns undefined when that is not known
 */
function troubleshootingUrl(code, env = process.env) {
    const repository = env['GITHUB_ACTION_REPOSITORY'];
    if (!repository)
        return undefined;
    return `${env['GITHUB_SERVER_URL'] ?? 'https://github.com'}/${repository}/blob/${env['GITHUB_ACTION_REF'] || 'HEAD'}/docs/troubleshooting.md#${code}`;
}
/** Writes the annotation and makes the job fail. */
function annotateFailure(error, redactor) {
    const text = error.allErrors
        .map((problem) => `${problem.message}\nWhat to do: ${problem.remedy}`)
        .join('\n\n');
    const title = `Milvus ALB: ${error.code} in ${error.step ?? 'preflight'}`;
    core/* error */.z3(redactor.redact(`${text}\n\n${troubleshootingUrl(error.code) ?? `docs/troubleshooting.md explains ${error.code}.`}`), { title });
    process.exitCode = core/* ExitCode */.yU.Failure;
}
/** Says what secrets may still lie in; it fails no job. */
function warnRemovalFailed(path, thrown) {
    core/* warning */.$e(`${path}, a directory of this action on the runner, could not be removed: ${getErrorMessage(thrown)}`, { title: 'Milvus ALB' });
}


/***/ })

};
