"""The OpenAPI document and the schema endpoints of a running gateway, by validators that are not our own.

usage: document.py GATEWAY_URL

Exits 1 with a message when something is not valid.
"""

import json
import sys
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    base = sys.argv[1].rstrip("/")

    def get(path):
        with urllib.request.urlopen(base + path, timeout=10) as answer:
            return json.load(answer)

    document = get("/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    schemas = [path for path in document["paths"] if path.endswith("_schema") and "{" not in path]
    for path in schemas:
        Draft202012Validator.check_schema(get(path))
    print(f"ok      LS-85 the document of {len(document['paths'])} paths is valid OpenAPI, and {len(schemas)} schemas are valid")


main()
