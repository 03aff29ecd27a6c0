import CarillonCore

/// What a value in a body or an answer looks like; written as JSON Schema (2020-12), as OpenAPI 3.1 has it.
package indirect enum Schema: Hashable, Sendable {
    /// Of any kind: a definition, whose keys are those of a job file.
    case anything
    case truth
    case whole(from: Int64? = nil, through: Int64? = nil)
    case number
    /// `format` is a word of JSON Schema's, such as `date-time`.
    case text(format: String? = nil)
    case words([String])
    case list(Schema)
    /// Texts as keys.
    case map(Schema)
    /// An object with these keys and no others; with a name it is described once for all.
    case object(String?, [Field])
    /// Null where there is nothing to say.
    case orNull(Schema)

    package struct Field: Hashable, Sendable {
        package var name: String
        package var schema: Schema
        /// Whether it is always there.
        package var isRequired: Bool

        package init(_ name: String, _ schema: Schema, isRequired: Bool = true) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
        }
    }

    package static var time: Schema { .text(format: "date-time") }

    /// As JSON; objects with names are referred to.
    var json: JSONObject {
        switch self {
        case .anything: JSONObject([])
        case .truth: JSONObject([("type", "boolean")])
        case .whole(let from, let through):
            JSONObject(
                [("type", "integer")] + (from.map { [("minimum", $0)] } ?? [])
                    + (through.map { [("maximum", $0)] } ?? []))
        case .number: JSONObject([("type", "number")])
        case .text(let format): JSONObject([("type", "string")] + (format.map { [("format", $0)] } ?? []))
        case .words(let words): JSONObject([("type", "string"), ("enum", words)])
        case .list(let item): JSONObject([("type", "array"), ("items", item.json)])
        case .map(let value): JSONObject([("type", "object"), ("additionalProperties", value.json)])
        case .object(let name?, _): JSONObject([("$ref", "#/components/schemas/\(name)")])
        case .object(nil, let fields): Self.json(of: fields)
        case .orNull(let schema): JSONObject([("anyOf", [schema.json, JSONObject([("type", "null")])])])
        }
    }

    static func json(of fields: [Field]) -> JSONObject {
        JSONObject([
            ("type", "object"), ("properties", JSONObject(fields.map { ($0.name, $0.schema.json) })),
            ("required", fields.filter(\.isRequired).map(\.name)), ("additionalProperties", false),
        ])
    }

    /// The objects with names in it, itself among them.
    var named: [(name: String, fields: [Field])] {
        switch self {
        case .list(let inner), .map(let inner), .orNull(let inner): inner.named
        case .object(let name, let fields):
            (name.map { [($0, fields)] } ?? []) + fields.flatMap(\.schema.named)
        case .anything, .truth, .whole, .number, .text, .words: []
        }
    }
}
