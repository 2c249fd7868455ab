export const id = 611;
export const ids = [611];
export const modules = {

/***/ 611:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   listSubnets: () => (/* binding */ listSubnets)
/* harmony export */ });
/* harmony import */ var _aws_sdk_client_ec2__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5193);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3202);


async function listSubnets(config, vpcId) {
    const client = new _aws_sdk_client_ec2__WEBPACK_IMPORTED_MODULE_1__/* .EC2Client */ .gu5(config);
    try {
        const { Subnets = [] } = await client.send(new _aws_sdk_client_ec2__WEBPACK_IMPORTED_MODULE_1__/* .DescribeSubnetsCommand */ .jSW({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] }));
        return Subnets.map(({ SubnetId = '', AvailabilityZone = '', AvailableIpAddressCount = 0, Tags = [] }) => ({
            id: SubnetId,
            availabilityZone: AvailabilityZone,
            availableAddresses: AvailableIpAddressCount,
            tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
        }));
    }
    catch (thrown) {
        throw (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .translateAwsError */ .q4)('ec2:DescribeSubnets', thrown);
    }
}


/***/ })

};
