export const id = 356;
export const ids = [356];
export const modules = {

/***/ 6356:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  warnRemovalFailed: () => (/* binding */ warnRemovalFailed)
});

// UNUSED EXPORTS: annotateFailure, annotationTitle, troubleshootingUrl

// EXTERNAL MODULE: ./node_modules/@actions/core/lib/core.js + 14 modules
var lib_core = __webpack_require__(6421);
;// CONCATENATED MODULE: ./build/util/text.js
/** Formatting of texts that people read. */
/** The message of any thrown value; for an AggregateError, the messages of its errors. */
function getErrorMessage(thrown) {
    if (thrown instanceof AggregateError)
        return thrown.errors.map(getErrorMessage).join('; ');
    return thrown instanceof Error ? thrown.message : String(thrown);
}
/**
 * Cuts a long text from outside. Idempotent.
 * @param maxLength characters; a text that is only a little longer stays whole
 */
const truncate = (text, maxLength) => text.length <= maxLength + 50
    ? text
    : `${text.slice(0, maxLength)}... (${text.length - maxLength} more characters)`;
/** `1 target`, `2 targets` */
const formatCount = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
/** Milliseconds as seconds: `0.3 s`, `15 s` */
const formatSeconds = (milliseconds) => `${Math.round(milliseconds / 100) / 10} s`;
/** A distinguished name on one line. Node writes one attribute per line, and undefined for none. */
const formatDistinguishedName = (distinguishedName) => (distinguishedName ?? '').split('\n').join(', ');
/** A duration in its largest useful unit: `40 seconds`, `14 minutes`, `3 hours`, `2 days`. */
function formatDuration(milliseconds) {
    const units = [
        ['day', 86_400_000],
        ['hour', 3_600_000],
        ['minute', 60_000],
        ['second', 1000],
    ];
    const [name, unitLength] = units.find(([, unitMilliseconds]) => milliseconds >= 2 * unitMilliseconds) ?? ['second', 1000];
    const count = Math.max(0, Math.floor(milliseconds / unitLength));
    return formatCount(count, name);
}

;// CONCATENATED MODULE: ./build/reporting/failure.js
/** Annotations of the workflow run. */


/** The title of every annotation that is no failure. */
const annotationTitle = 'Milvus ALB';
/**
 * The section of docs/troubleshooting.md about a code.
 * @param env of the runner, which names the repository of the action
 * @returns undefined when the runner names none, as for an action in the workflow's repository
 */
function troubleshootingUrl(code, env = process.env) {
    const repository = env['GITHUB_ACTION_REPOSITORY'];
    if (!repository)
        return undefined;
    const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com';
    const ref = env['GITHUB_ACTION_REF'] || 'HEAD';
    return `${server}/${repository}/blob/${ref}/docs/troubleshooting.md#${code}`;
}
/** Writes one annotation with every problem and its remedy, and fails the job. */
function annotateFailure(error, redactor) {
    const problems = error.allErrors.map(({ message, remedy }) => `${message}\nWhat to do: ${remedy}`);
    const reference = troubleshootingUrl(error.code) ?? `See ${error.code} in docs/troubleshooting.md.`;
    const title = `${annotationTitle}: ${error.code} in ${error.step ?? 'preflight'}`;
    core.error(redactor.redact([...problems, reference].join('\n\n')), { title });
    process.exitCode = core.ExitCode.Failure;
}
/** Warns that a work directory, which may contain secrets, is still on the runner. */
function warnRemovalFailed(path, thrown) {
    lib_core/* warning */.$e(`Cannot remove the temporary directory ${path} of this action from the runner ` +
        `(${getErrorMessage(thrown)}). Delete it by hand: it may contain secrets.`, { title: annotationTitle });
}


/***/ })

};
