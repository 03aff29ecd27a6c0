/// How much a document may hold, whatever its format: a small file must not cost a large machine.
public enum Bounds {
    /// The largest file read unless a setting says otherwise, in bytes.
    public static let bytes = 16 << 20
    /// How deep values may lie in one another.
    public static let depth = 128
    /// How many values there may be, those that YAML's aliases repeat among them.
    public static let values = 2_000_000
    /// How many bytes of text YAML's aliases may repeat.
    public static let repeated = 16 << 20
}
