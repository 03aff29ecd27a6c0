import CarillonCore

/// Reads YAML from the events of its parser; what aliases repeat counts as often as it stands there.
struct YAMLDocument {
    private var events: YAMLEvents
    private let source: String
    private var anchors: [String: Anchored] = [:]
    private var values = 0
    /// Bytes of text so far, what aliases repeat among them.
    private var bytes = 0
    private var depth = 0

    /// A node, and how many levels of others are in it.
    private typealias Tree = (node: ConfigNode, height: Int)

    /// What an alias stands for.
    private struct Anchored {
        var tree: Tree
        var values: Int
        var bytes: Int
    }

    static func read(_ text: String, path: String) throws(ConfigProblem) -> ConfigNode {
        try YAMLEvents.with(text, source: path) { events throws(ConfigProblem) in
            var document = YAMLDocument(events: events, source: path)
            return try document.read()
        }
    }

    private init(events: YAMLEvents, source: String) {
        self.events = events
        self.source = source
    }

    private mutating func read() throws(ConfigProblem) -> ConfigNode {
        _ = try events.next()  // the stream's start
        guard try events.next().kind != .streamEnd else { return ConfigNode(.table([]), line: 1) }
        let node = try tree(at: try events.next()).node
        _ = try events.next()  // the document's end
        let more = try events.next()
        guard more.kind == .streamEnd else {
            throw problem("a file holds one document; here another one begins", more.line)
        }
        return node
    }

    private func problem(_ message: String, _ line: Int, key: String? = nil) -> ConfigProblem {
        ConfigProblem(source: source, line: line, key: key, message: message)
    }

    private mutating func count(_ more: Int, _ line: Int) throws(ConfigProblem) {
        values += more
        if values > Bounds.values {
            throw problem("holds more than \(Bounds.values) values, with what its aliases repeat", line)
        }
    }

    private func check(_ depth: Int, _ line: Int) throws(ConfigProblem) {
        if depth > Bounds.depth { throw problem("nests deeper than \(Bounds.depth) levels", line) }
    }

    private mutating func tree(at event: YAMLEvents.Event) throws(ConfigProblem) -> Tree {
        if case .alias(let name) = event.kind {
            guard let anchored = anchors[name] else {
                throw problem("there is no anchor &\(name) before *\(name)", event.line)
            }
            try check(depth + anchored.tree.height, event.line)
            try count(anchored.values, event.line)
            bytes += anchored.bytes
            // Without aliases there are no more than the file has.
            if bytes > 2 * Bounds.repeated {
                throw problem("its aliases repeat more than \(Bounds.repeated >> 20) MiB of text", event.line)
            }
            return anchored.tree
        }
        let (before, bytesBefore) = (values, bytes)
        try count(1, event.line)
        let tree: Tree
        switch event.kind {
        case .sequenceStart: tree = try sequence(event.line)
        case .mappingStart: tree = try mapping(event.line)
        case .scalar(let text, let isPlain):
            bytes += text.utf8.count
            tree = (isPlain ? YAMLScalar.node(text, line: event.line) : ConfigNode(.string(text), line: event.line), 0)
        default: throw problem("expected a value", event.line)
        }
        if let name = event.anchor {
            anchors[name] = Anchored(tree: tree, values: values - before, bytes: bytes - bytesBefore)
        }
        return tree
    }

    private mutating func sequence(_ line: Int) throws(ConfigProblem) -> Tree {
        var nodes: [ConfigNode] = []
        var height = 0
        depth += 1
        try check(depth, line)
        while case let event = try events.next(), event.kind != .sequenceEnd {
            let inner = try tree(at: event)
            nodes.append(inner.node)
            height = max(height, inner.height)
        }
        depth -= 1
        return (ConfigNode(.array(nodes), line: line), height + 1)
    }

    private mutating func mapping(_ line: Int) throws(ConfigProblem) -> Tree {
        var entries: [(key: String, value: ConfigNode)] = []
        var keys = KeySet()
        var height = 0
        depth += 1
        try check(depth, line)
        while case let event = try events.next(), event.kind != .mappingEnd {
            let key = try key(at: event)
            guard keys.insert(key, among: entries) else { throw problem("stands here twice", event.line, key: key) }
            var inner = try tree(at: try events.next())
            // An empty value's own place is the end of the line before.
            inner.node.line = event.line
            entries.append((key, inner.node))
            height = max(height, inner.height)
        }
        depth -= 1
        return (ConfigNode(.table(entries), line: line), height + 1)
    }

    private mutating func key(at event: YAMLEvents.Event) throws(ConfigProblem) -> String {
        switch event.kind {
        case .scalar(let text, let isPlain):
            let node = isPlain ? YAMLScalar.node(text, line: event.line) : ConfigNode(.string(text), line: event.line)
            if let name = event.anchor { anchors[name] = Anchored(tree: (node, 0), values: 1, bytes: text.utf8.count) }
            return text
        case .alias(let name):
            guard let node = anchors[name]?.tree.node else {
                throw problem("there is no anchor &\(name) before *\(name)", event.line)
            }
            if case .string(let text) = node.value { return text }
            if let text = node.written { return text }
            throw problem("a key must be text", event.line)
        default: throw problem("a key must be text", event.line)
        }
    }
}
