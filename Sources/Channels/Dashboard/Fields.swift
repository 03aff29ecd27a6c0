import Mustache

/// What a template is filled with, by the names that stand in it.
struct Fields: MustacheParent {
    private var values: [String: Any] = [:]

    init(_ values: KeyValuePairs<String, Any?>) {
        for (name, value) in values { self[name] = value }
    }

    /// What is nothing is known to be nothing: a template does not look for it further out.
    subscript(_ name: String) -> Any? {
        get { values[name] }
        set { values[name] = newValue ?? Nothing() }
    }

    func child(named name: String) -> Any? { values[name] }
}

/// A field that holds nothing.
private struct Nothing: MustacheCustomRenderable {
    var renderText: String { "" }
    var isNull: Bool { true }
}
