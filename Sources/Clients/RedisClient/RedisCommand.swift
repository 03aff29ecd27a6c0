public import NIOCore

/// A command and its arguments, encoded as they are appended.
///
/// Each command must have exactly one reply: no `SUBSCRIBE`, `MONITOR` or `CLIENT REPLY`. One that blocks, such as
/// `BLPOP`, holds up everything behind it, for at most `replyTimeout`.
public struct RedisCommand: Sendable {
    /// Bulk strings, without the array's header: its count is known last. A script's digest belongs before them.
    private var body: ByteBuffer
    private var count: Int
    let script: RedisScript?

    private init(script: RedisScript?, count: Int) {
        body = ByteBuffer()
        body.reserveCapacity(128)
        self.count = count
        self.script = script
    }

    public init(_ name: String) {
        self.init(script: nil, count: 0)
        append(name)
    }

    /// Makes a command of a name and its arguments.
    public init(_ name: String, _ words: String...) {
        self.init(name)
        for word in words { append(word) }
    }

    /// Makes a call of a script with these keys; its arguments are appended.
    ///
    /// It is sent as `EVALSHA`, and as `EVAL` when the server turns out not to have the script. Inside `MULTI` the server
    /// finds that out too late, and its `NOSCRIPT` is in the reply of `EXEC`.
    public static func script(_ script: RedisScript, keys: [String]) -> RedisCommand {
        var command = RedisCommand(script: script, count: 2)
        command.append(keys.count)
        for key in keys { command.append(key) }
        return command
    }

    public mutating func append(_ word: String) {
        count += 1
        var word = word
        word.withUTF8 { body.writeBulk(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(_ bytes: [UInt8]) {
        count += 1
        bytes.withUnsafeBytes { body.writeBulk($0) }
    }

    /// Appends the readable bytes.
    public mutating func append(_ bytes: ByteBuffer) {
        count += 1
        bytes.withUnsafeReadableBytes { body.writeBulk($0) }
    }

    /// Appends a number in decimal.
    public mutating func append(_ number: Int) {
        count += 1
        withUnsafeTemporaryAllocation(byteCount: Decimal.longest, alignment: 1) { digits in
            let length = Decimal.write(number, to: digits)
            body.writeBulk(UnsafeRawBufferPointer(rebasing: digits[..<length]))
        }
    }

    /// At most what it takes on the wire, in bytes; for a script, sent as a digest.
    var size: Int { body.readableBytes + (script == nil ? 32 : 96) }

    /// Writes the whole command; without a digest of 40 bytes a script is sent as its source.
    func write(to buffer: inout ByteBuffer, digest: ByteBuffer?) {
        buffer.writeHeader("*", count)
        if let script {
            if let digest {
                buffer.writeStaticString("$7\r\nEVALSHA\r\n")
                digest.withUnsafeReadableBytes { buffer.writeBulk($0) }
            } else {
                buffer.writeStaticString("$4\r\nEVAL\r\n")
                var source = script.source
                source.withUTF8 { buffer.writeBulk(UnsafeRawBufferPointer($0)) }
            }
        }
        body.withUnsafeReadableBytes { _ = buffer.writeBytes($0) }
    }
}
