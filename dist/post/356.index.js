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
function getErrorMessage(thrown) {
    if (thrown instanceof AggregateError)
        return thrown.errors.map(getErrorMessage).join('; ');
    return thrown instanceof Error ? thrown.message : String(thrown);
}
const truncate = (text, maxLength) => text.length <= maxLength + 50
    ? text
    : `${text.slice(0, maxLength)}... (${text.length - maxLength} more characters)`;
const formatCount = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const formatSeconds = (milliseconds) => `${Math.round(milliseconds / 100) / 10} s`;
const formatDistinguishedName = (distinguishedName) => (distinguishedName ?? '').split('\n').join(', ');
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


const annotationTitle = 'Milvus ALB';
function troubleshootingUrl(code, env = process.env) {
    const repository = env['GITHUB_ACTION_REPOSITORY'];
    if (!repository)
        return undefined;
    const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com';
    const ref = env['GITHUB_ACTION_REF'] || 'HEAD';
    return `${server}/${repository}/blob/${ref}/docs/troubleshooting.md#${code}`;
}
function annotateFailure(error, redactor) {
    const problems = error.allErrors.map(({ message, remedy }) => `${message}\nWhat to do: ${remedy}`);
    const reference = troubleshootingUrl(error.code) ?? `See ${error.code} in docs/troubleshooting.md.`;
    const title = `${annotationTitle}: ${error.code} in ${error.step ?? 'preflight'}`;
    core.error(redactor.redact([...problems, reference].join('\n\n')), { title });
    process.exitCode = core.ExitCode.Failure;
}
function warnRemovalFailed(path, thrown) {
    lib_core/* warning */.$e(`Cannot remove the temporary directory ${path} of this action from the runner ` +
        `(${getErrorMessage(thrown)}). Delete it by hand: it may contain secrets.`, { title: annotationTitle });
}


/***/ })

};
