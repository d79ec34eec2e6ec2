"""DataSets and templates. Refit sends neither; a judge has to know them all the same."""

from __future__ import annotations

from typing import Any

from refit.conformance.judge.book import Book
from refit.conformance.judge.reading import BASIC, BIRTHS, Spoken

COLUMNS = "payloads-dataset-column-size"
HEADERS = "payloads-dataset-column-num-headers"
TYPES = "payloads-dataset-types-def payloads-dataset-types-type payloads-dataset-parameter-type-req"
TYPES_NUMBER = "payloads-dataset-types-num"
TYPES_VALUE = "payloads-dataset-types-value"
CELL = "payloads-template-dataset-value"

IN_BIRTH = "payloads-template-definition-nbirth-only"
ALL_DEFINED = "topics-nbirth-templates payloads-template-definition-nbirth"
FLAG = "payloads-template-is-definition"
DEFINITION = "payloads-template-definition-is-definition payloads-template-is-definition-definition"
INSTANCE = "payloads-template-instance-is-definition payloads-template-is-definition-instance"
DEFINITION_REF = "payloads-template-definition-ref payloads-template-ref-definition"
INSTANCE_REF = "payloads-template-instance-ref payloads-template-ref-instance"
VERSION = "payloads-template-version"
MEMBERS = "payloads-template-definition-members payloads-template-instance-members"
ALL_MEMBERS = "payloads-template-instance-members-birth"
SOME_MEMBERS = "payloads-template-instance-members-data"
PARAMETERS = "payloads-template-definition-parameters"
OVERRIDE = "payloads-template-instance-parameters"
DEFAULT = "payloads-template-definition-parameters-default"
PARAMETER_NAME = "payloads-template-parameter-name-required payloads-template-parameter-name-type"
PARAMETER_TYPE = "payloads-template-parameter-type-req"
PARAMETER_KIND = "payloads-template-parameter-value-type"
PARAMETER_VALUE = "payloads-template-parameter-type-value"
PARAMETER_FIELD = "payloads-template-parameter-value"


class Structures:
    """The templates that the current NBIRTH defines, and what is sent of them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.defined: dict[str, tuple[set[str], set[str]]] = {}

    def definitions(self, said: Spoken) -> None:
        """Take the definitions of an NBIRTH."""
        self.defined = {
            metric.name: (
                {one.name for one in metric.template_value.metrics},
                {one.name for one in metric.template_value.parameters},
            )
            for metric in said.payload.metrics
            if metric.template_value.is_definition
        }
        for metric in said.payload.metrics:
            if metric.HasField("template_value") and not metric.template_value.is_definition:
                self._instance(said, metric.template_value, said.where)

    def metric(self, said: Spoken, metric: Any, where: str) -> None:
        """A metric of any message, as far as it is a DataSet or a template."""
        place = metric.WhichOneof("value")
        if place == "dataset_value":
            self._dataset(metric.dataset_value, where)
        elif place == "template_value":
            self._template(said, metric.template_value, where)

    def _dataset(self, dataset: Any, where: str) -> None:
        see = self.book.see
        count, columns, types = dataset.num_of_columns, dataset.columns, dataset.types
        see(COLUMNS, dataset.HasField("num_of_columns"), where, "no num_of_columns")
        see(HEADERS, len(columns) == count, where, f"{len(columns)} names of {count} columns")
        see(TYPES, len(types) > 0 or not count, where, "no types")
        see(TYPES_NUMBER, len(types) == count, where, f"{len(types)} types of {count} columns")
        see(TYPES_VALUE, all(one in BASIC for one in types), where, f"types {list(types)}")
        for cell in (cell for row in dataset.rows for cell in row.elements):
            see(CELL, cell.WhichOneof("value") != "extension_value", where, "an extension")

    def _template(self, said: Spoken, template: Any, where: str) -> None:
        see = self.book.see
        see(FLAG, template.HasField("is_definition"), where, "no is_definition")
        if template.HasField("version"):
            see(VERSION, True, where, "")
        is_definition = (
            not template.HasField("template_ref")
            if not template.HasField("is_definition")
            else template.is_definition
        )
        if is_definition:
            see(IN_BIRTH, said.verb == "NBIRTH", where, f"a definition in {said.verb}")
            see(DEFINITION, template.is_definition, where, "is_definition is not true")
            ref = template.HasField("template_ref")
            see(DEFINITION_REF, not ref, where, "template_ref in a definition")
        else:
            see(INSTANCE, not template.is_definition, where, "is_definition is not false")
            see(INSTANCE_REF, bool(template.template_ref), where, "no template_ref")
            if said.verb != "NBIRTH":
                self._instance(said, template, where)
        for parameter in template.parameters:
            self._parameter(said, parameter, is_definition, where)

    def _parameter(self, said: Spoken, parameter: Any, is_definition: bool, where: str) -> None:
        see = self.book.see
        see(PARAMETER_NAME, bool(parameter.name), where, "a parameter without a name")
        if said.verb in BIRTHS:
            see(PARAMETER_TYPE, parameter.HasField("type"), where, "a parameter without a type")
        if parameter.HasField("type"):
            see(PARAMETER_KIND, True, where, "")
            see(PARAMETER_VALUE, parameter.type in BASIC, where, f"type {parameter.type}")
        place = parameter.WhichOneof("value")
        if place is not None:
            see(PARAMETER_FIELD, place != "extension_value", where, "an extension")
            see(DEFAULT if is_definition else OVERRIDE, True, where, "")

    def _instance(self, said: Spoken, template: Any, where: str) -> None:
        see = self.book.see
        found = self.defined.get(template.template_ref)
        what = f"the NBIRTH does not define {template.template_ref!r}"
        if not see(f"{ALL_DEFINED} {INSTANCE_REF}", found is not None, where, what) or not found:
            return
        members, parameters = found
        has = {one.name for one in template.metrics}
        see(MEMBERS, has <= members, where, f"members {sorted(has - members)} are not defined")
        given = {one.name for one in template.parameters}
        see(PARAMETERS, given <= parameters, where, f"parameters {sorted(given - parameters)}")
        if said.verb in BIRTHS:
            see(ALL_MEMBERS, has == members, where, f"members {sorted(members - has)} are missing")
        elif has < members:
            see(SOME_MEMBERS, True, where, "")
