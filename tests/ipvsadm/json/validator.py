# Checks documents, each of which follows a character U+001E, against a schema: as it is, and so that unknown fields
# are errors, too. Prints what is wrong.
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
documents = sys.stdin.read().split("\x1e")[1:]
validator = jsonschema.Draft202012Validator
validator.check_schema(schema)


def close(value):
    """Refuses unknown fields wherever fields are described."""
    if isinstance(value, dict):
        closed = {key: close(child) for key, child in value.items()}
        if isinstance(value.get("properties"), dict):
            closed["additionalProperties"] = False
        return closed
    return [close(child) for child in value] if isinstance(value, list) else value


def pairs(found):
    """Refuses repeated fields, which Python would take."""
    assert len(dict(found)) == len(found), found
    return dict(found)


formats = jsonschema.FormatChecker(formats=["ipv4", "ipv6"])
validators = [validator(schema, format_checker=formats) for schema in (schema, close(schema))]
for text in documents:
    document = json.loads(text, object_pairs_hook=pairs)
    for each in validators:
        for error in each.iter_errors(document):
            print(list(error.absolute_path), error.message, file=sys.stderr)
print(len(documents))
