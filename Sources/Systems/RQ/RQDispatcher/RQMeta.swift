import CarillonCore

/// What RQ keeps with a job as `job.meta`: a dictionary that holds `traceparent` alone (W3C Trace Context).
enum RQMeta {
    /// Up to the text: protocol 2, an empty dictionary, the key (`BINUNICODE`, its length in four bytes) and the length of what
    /// follows, 55 bytes (pickletools, Python's standard library).
    private static let beginning = Array("\u{2}}X\u{b}\0\0\0traceparentX7\0\0\0".utf8)

    /// Writes it in the form of the serializer that the worker reads the call with.
    static func bytes(of attempt: AttemptID, _ serializer: RQTarget.Serializer) -> [UInt8] {
        switch serializer {
        case .pickle: [0x80] + beginning + Array(attempt.traceparent.utf8) + Array("s.".utf8)
        case .json: Array(#"{"traceparent":"\#(attempt.traceparent)"}"#.utf8)
        }
    }
}
