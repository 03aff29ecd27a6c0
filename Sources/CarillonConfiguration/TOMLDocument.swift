import CarillonCore
import TOMLKit

/// TOML through TOMLKit; a key locator finds the lines, which its values do not carry.
enum TOMLDocument {
    static func read(_ text: String, path: String) throws(FeedProblem) -> ConfigNode {
        do {
            let table = try TOMLTable(string: text)
            let lines = TOMLKeyLocator(text)
            return convert(table, at: [], lines)
        } catch let error as TOMLParseError {
            throw FeedProblem(source: path, line: error.source.begin.line, message: error.description)
        } catch {
            throw FeedProblem(source: path, message: "\(error)")
        }
    }

    private static func convert(_ table: TOMLTable, at path: [TOMLKeyLocator.Step], _ lines: TOMLKeyLocator)
        -> ConfigNode
    {
        var entries: [(key: String, value: ConfigNode)] = []
        for (key, value) in table {
            entries.append((key, convert(value, at: path + [.key(key)], lines)))
        }
        return ConfigNode(.table(entries), line: lines.line(of: path))
    }

    private static func convert(
        _ value: any TOMLValueConvertible, at path: [TOMLKeyLocator.Step], _ lines: TOMLKeyLocator
    ) -> ConfigNode {
        if let table = value.table { return convert(table, at: path, lines) }
        let line = lines.line(of: path)
        if let array = value.array {
            var nodes: [ConfigNode] = []
            for (index, element) in array.enumerated() {
                nodes.append(convert(element, at: path + [.index(index)], lines))
            }
            return ConfigNode(.array(nodes), line: line)
        }
        if let text = value.string { return ConfigNode(.string(text), line: line) }
        if let bool = value.bool { return ConfigNode(.bool(bool), line: line) }
        if let integer = value.int { return ConfigNode(.integer(Int64(integer)), line: line) }
        if let double = value.double { return ConfigNode(.double(double), line: line) }
        // TOML's own dates read as the text they were written in.
        return ConfigNode(.string(value.debugDescription), line: line)
    }
}
