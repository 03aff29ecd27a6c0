import CYaml
import CarillonCore

/// What libyaml, which Yams carries, finds in a text, one thing after the other.
///
/// Its composer would build all of it before anybody can count, and compares keys as deep as they are.
struct YAMLEvents {
    enum Kind: Hashable {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceStart, sequenceEnd, mappingStart, mappingEnd
        case alias(String)
        /// `isPlain` when it may mean something else than text.
        case scalar(String, isPlain: Bool)
    }

    struct Event {
        var kind: Kind
        var line: Int
        var anchor: String?
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    private let source: String

    /// Gives the events to `body`; they live as long as it runs.
    static func with<T>(
        _ text: String, source: String, _ body: (YAMLEvents) throws(ConfigProblem) -> T
    ) throws(ConfigProblem) -> T {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            throw ConfigProblem(source: source, message: "there is no memory to read it")
        }
        defer { yaml_parser_delete(parser) }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        return try Array(text.utf8).withUnsafeBufferPointer { bytes throws(ConfigProblem) in
            yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
            return try body(YAMLEvents(parser: parser, bytes: bytes, source: source))
        }
    }

    func next() throws(ConfigProblem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        var told = Event(kind: .streamStart, line: Int(event.start_mark.line) + 1)
        switch event.type {
        case YAML_STREAM_START_EVENT: break
        case YAML_DOCUMENT_START_EVENT: told.kind = .documentStart
        case YAML_DOCUMENT_END_EVENT: told.kind = .documentEnd
        case YAML_SEQUENCE_START_EVENT:
            told.kind = .sequenceStart
            told.anchor = Self.string(event.data.sequence_start.anchor)
        case YAML_SEQUENCE_END_EVENT: told.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            told.kind = .mappingStart
            told.anchor = Self.string(event.data.mapping_start.anchor)
        case YAML_MAPPING_END_EVENT: told.kind = .mappingEnd
        case YAML_ALIAS_EVENT: told.kind = .alias(Self.string(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            // A tag such as !!str leaves a text what it is; !!int and its like say nothing new.
            let tag = Self.string(scalar.tag) ?? ""
            let isText = ["!", "tag:yaml.org,2002:str"].contains(tag)
            told.kind = .scalar(
                String(decoding: text, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE && !isText)
            told.anchor = Self.string(scalar.anchor)
        default: told.kind = .streamEnd
        }
        return told
    }

    private static func string(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func problem() -> ConfigProblem {
        var message = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
        // It reads ahead, and has a bound of its own.
        if message.hasPrefix("Maximum nesting level") { message = "nests deeper than \(Bounds.depth) levels" }
        var line = Int(parser.pointee.problem_mark.line) + 1
        if parser.pointee.error == YAML_READER_ERROR {
            // Such as a control character: only the place in the text is told.
            line = bytes.prefix(Int(parser.pointee.problem_offset)).count { $0 == UInt8(ascii: "\n") } + 1
        }
        return ConfigProblem(source: source, line: line, message: message)
    }
}
