package import NIOCore

/// Takes RESP2 replies out of a stream of bytes, however it is cut.
///
/// Work is proportional to the bytes: a line that is not complete is kept aside, a bulk string grows in a buffer of its
/// own, and an array that is not complete is a frame on a stack. Nothing is reserved on a length's word alone.
package struct ReplyParser {
    /// Arrays in arrays. Lua's replies may nest as far as a script wants; nobody reads such a thing.
    package static let deepest = 64
    /// Bytes of a status, an error or a header.
    package static let longestLine = 64 << 10

    private struct Frame {
        var missing: Int
        var elements: [RedisValue]
    }

    private struct Bulk {
        /// Bytes that are not there yet, its CR LF included.
        var missing: Int
        var bytes: ByteBuffer
    }

    /// Bytes of one whole reply, each element counted as what it takes in memory too.
    private let largest: Int
    private var room: Int
    private var line = ByteBuffer()
    private var bulk: Bulk?
    private var stack: [Frame] = []

    package init(largestReply: Int) {
        largest = largestReply
        room = largestReply
    }

    /// Appends the replies that are complete with these bytes.
    ///
    /// Throws `Code.protocolError`, after which the parser is of no more use; replies before the bad bytes are appended.
    package mutating func parse(_ input: ByteBuffer, into replies: inout [RedisValue]) throws(RedisError) {
        let end = input.writerIndex
        var position = input.readerIndex
        while position < end {
            if bulk != nil {
                position += try continueBulk(input, at: position, into: &replies)
                continue
            }
            guard let next = input.endOfLine(from: position) else {
                try keep(input, from: position, to: end)
                return
            }
            if line.readableBytes > 0 {
                try keep(input, from: position, to: next)
                let whole = line
                line = ByteBuffer()
                _ = try take(whole, from: whole.readerIndex, to: whole.writerIndex, before: nil, into: &replies)
                position = next
            } else {
                position = try take(input, from: position, to: next, before: end, into: &replies)
            }
        }
    }

    private mutating func keep(_ input: ByteBuffer, from start: Int, to end: Int) throws(RedisError) {
        guard line.readableBytes + end - start <= Self.longestLine else { throw Self.bad("a line without an end") }
        line.writeImmutableBuffer(input.slice(start, end - start))
    }

    /// Takes one line, its CR LF included; answers the position after it, and after its bulk string when the input, up
    /// to `last`, has it whole.
    private mutating func take(
        _ input: ByteBuffer, from start: Int, to end: Int, before last: Int?, into replies: inout [RedisValue]
    ) throws(RedisError) -> Int {
        guard end - start >= 3, end - start <= Self.longestLine, input.byte(end - 2) == UInt8(ascii: "\r") else {
            throw Self.bad("a line that does not end in CR LF")
        }
        try charge(end - start + MemoryLayout<RedisValue>.stride)
        switch input.byte(start) {
        case UInt8(ascii: ":"):
            guard let number = input.decimal(from: start + 1, to: end - 2) else { throw Self.bad("not an integer") }
            add(.integer(number), to: &replies)
        case UInt8(ascii: "$"):
            guard let length = try self.length(input, start, end) else {
                add(.null, to: &replies)
                break
            }
            guard length < room else { throw tooLarge() }
            if let last, length + 2 <= last - end {
                guard input.byte(end + length) == UInt8(ascii: "\r"), input.byte(end + length + 1) == UInt8(ascii: "\n")
                else { throw Self.bad("a string longer than its length") }
                try charge(length + 2)
                add(.string(input.slice(end, length)), to: &replies)
                return end + length + 2
            }
            bulk = Bulk(missing: length + 2, bytes: ByteBuffer())
        case UInt8(ascii: "*"):
            guard let count = try self.length(input, start, end) else {
                add(.null, to: &replies)
                break
            }
            // The shortest element is a line of three bytes.
            guard count <= room / (3 + MemoryLayout<RedisValue>.stride) else { throw tooLarge() }
            guard count > 0 else {
                add(.array([]), to: &replies)
                break
            }
            guard stack.count < Self.deepest else { throw Self.bad("arrays nested deeper than \(Self.deepest)") }
            var frame = Frame(missing: count, elements: [])
            frame.elements.reserveCapacity(min(count, 1024))
            stack.append(frame)
        case UInt8(ascii: "+"):
            add(.simple(input.string(start + 1, end - 2)), to: &replies)
        case UInt8(ascii: "-"):
            add(.error(RedisError(.server, input.string(start + 1, end - 2))), to: &replies)
        case let other:
            throw Self.bad("a reply that begins with byte \(other)")
        }
        return end
    }

    /// Moves what there is of a bulk string into its buffer; answers how many bytes that was.
    private mutating func continueBulk(
        _ input: ByteBuffer, at position: Int, into replies: inout [RedisValue]
    ) throws(RedisError) -> Int {
        guard var current = bulk else { return 0 }
        bulk = nil
        let part = min(current.missing, input.writerIndex - position)
        try charge(part)
        current.bytes.writeImmutableBuffer(input.slice(position, part))
        current.missing -= part
        guard current.missing == 0 else {
            bulk = current
            return part
        }
        let length = current.bytes.writerIndex - 2
        guard current.bytes.byte(length) == UInt8(ascii: "\r"), current.bytes.byte(length + 1) == UInt8(ascii: "\n")
        else { throw Self.bad("a string longer than its length") }
        add(.string(current.bytes.slice(0, length)), to: &replies)
        return part
    }

    /// Puts a complete value where it belongs, and completes the arrays it is the last of.
    private mutating func add(_ value: RedisValue, to replies: inout [RedisValue]) {
        var value = value
        while let top = stack.indices.last {
            stack[top].elements.append(value)
            stack[top].missing -= 1
            if stack[top].missing > 0 { return }
            value = .array(stack.removeLast().elements)
        }
        replies.append(value)
        room = largest
    }

    /// Reads a length in a header; nil for -1.
    private func length(_ input: ByteBuffer, _ start: Int, _ end: Int) throws(RedisError) -> Int? {
        guard let length = input.decimal(from: start + 1, to: end - 2), length >= -1 else {
            throw Self.bad("not a length")
        }
        return length < 0 ? nil : Int(length)
    }

    private mutating func charge(_ bytes: Int) throws(RedisError) {
        guard bytes <= room else { throw tooLarge() }
        room -= bytes
    }

    private func tooLarge() -> RedisError { Self.bad("a reply of more than \(largest) bytes") }

    private static func bad(_ what: String) -> RedisError { RedisError(.protocolError, "the server sent \(what)") }
}
