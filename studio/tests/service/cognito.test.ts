import { expect, test } from "vitest";
import { isCognito } from "@/service/cognito";

test.each([
  ["https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool", true],
  ["https://cognito-idp.us-gov-west-1.amazonaws.com/pool", true],
  ["https://cognito-idp.cn-north-1.amazonaws.com.cn/pool", true],
  ["https://cognito-idp.eusc-de-east-1.amazonaws.eu/pool", true],
  ["https://cognito-idp.eu-west-1.amazonaws.com.example/pool", false],
  ["https://id.example.com", false],
])("the issuer %s is a user pool of a partition of AWS: %s", (issuer, isPool) => {
  expect(isCognito(issuer)).toBe(isPool);
});
