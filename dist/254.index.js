export const id = 254;
export const ids = [254];
export const modules = {

/***/ 9254:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   getSecretValue: () => (/* binding */ getSecretValue)
/* harmony export */ });
/* harmony import */ var _aws_sdk_client_secrets_manager__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2994);
/* harmony import */ var _failures_certificate_secret_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1874);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3202);



const errorRules = (arn) => [
    {
        namePattern: /^ResourceNotFoundException$/,
        messagePattern: /staging label/i,
        createFailure: () => _failures_certificate_secret_js__WEBPACK_IMPORTED_MODULE_0__/* .awsSecretWithoutValue */ .dh(arn),
    },
    {
        namePattern: /^ResourceNotFoundException$/,
        createFailure: () => _failures_certificate_secret_js__WEBPACK_IMPORTED_MODULE_0__/* .awsSecretNotFound */ .Rc(arn),
    },
    {
        namePattern: /^InvalidRequestException$/,
        messagePattern: /delet/i,
        createFailure: () => _failures_certificate_secret_js__WEBPACK_IMPORTED_MODULE_0__/* .awsSecretScheduledForDeletion */ .Yw(arn),
    },
    {
        namePattern: /^(AccessDeniedException|DecryptionFailure|InvalidRequestException)$/,
        messagePattern: /\bkms:|access to kms|kms key/i,
        createFailure: ({ message, cause }) => _failures_certificate_secret_js__WEBPACK_IMPORTED_MODULE_0__/* .awsSecretKeyDenied */ .ix(arn, message, cause),
    },
    {
        namePattern: /^AccessDeniedException$/,
        messagePattern: /^(?!.*(?:control policy|boundary|session policy|endpoint policy))/i,
        createFailure: ({ message, cause }) => _failures_certificate_secret_js__WEBPACK_IMPORTED_MODULE_0__/* .awsSecretDenied */ .Th(arn, message, cause),
    },
];
async function getSecretValue(config, { arn, region }) {
    const client = new _aws_sdk_client_secrets_manager__WEBPACK_IMPORTED_MODULE_2__/* .SecretsManagerClient */ ._H({ ...config, region });
    try {
        const { SecretString, SecretBinary } = await client.send(new _aws_sdk_client_secrets_manager__WEBPACK_IMPORTED_MODULE_2__/* .GetSecretValueCommand */ .d2({ SecretId: arn }));
        return SecretString ?? SecretBinary ?? '';
    }
    catch (thrown) {
        throw (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .translateAwsError */ .q4)('secretsmanager:GetSecretValue', thrown, errorRules(arn));
    }
}


/***/ })

};
