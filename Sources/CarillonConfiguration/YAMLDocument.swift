import CarillonCore
import Yams

/// YAML and JSON through Yams, which marks lines.
enum YAMLDocument {
    static func read(_ text: String, path: String) throws(FeedProblem) -> ConfigNode {
        do {
            guard let node = try Yams.compose(yaml: text) else { return ConfigNode(.table([]), line: 1) }
            return try convert(node, path: path)
        } catch let problem as FeedProblem {
            throw problem
        } catch let error as YamlError {
            throw problem(error, path: path)
        } catch {
            throw FeedProblem(source: path, message: "\(error)")
        }
    }

    private static func convert(_ node: Node, path: String) throws -> ConfigNode {
        let line = node.mark?.line
        switch node {
        case .mapping(let mapping):
            var entries: [(key: String, value: ConfigNode)] = []
            var seen: Set<String> = []
            for (key, value) in mapping {
                guard let name = key.string else {
                    throw FeedProblem(source: path, line: key.mark?.line, message: "a key must be text")
                }
                guard seen.insert(name).inserted else {
                    throw FeedProblem(source: path, line: key.mark?.line, key: name, message: "stands here twice")
                }
                var converted = try convert(value, path: path)
                // An empty value's own mark is the end of the line before.
                converted.line = key.mark?.line ?? converted.line
                entries.append((name, converted))
            }
            return ConfigNode(.table(entries), line: line)
        case .sequence(let sequence):
            return ConfigNode(.array(try sequence.map { try convert($0, path: path) }), line: line)
        case .scalar(let scalar):
            return ConfigNode(value(of: node, scalar), line: line)
        case .alias:
            throw FeedProblem(source: path, line: line, message: "an alias has no anchor")
        }
    }

    private static func value(of node: Node, _ scalar: Node.Scalar) -> ConfigNode.Value {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        if scalar.string.isEmpty || node.null != nil { return .null }
        // YAML 1.1 would read yes, no, on and off as booleans; only true and false are here.
        if scalar.string == "true" { return .bool(true) }
        if scalar.string == "false" { return .bool(false) }
        if let integer = Int64(scalar.string) { return .integer(integer) }
        let digits = scalar.string.drop { $0 == "-" }
        if digits.count >= scalar.string.count - 1, digits.allSatisfy({ ("0"..."9").contains($0) }), !digits.isEmpty {
            return .bigInteger(scalar.string)
        }
        if scalar.string.first.map({ $0.isNumber || "+-.".contains($0) }) == true, let double = Double(scalar.string) {
            return .double(double)
        }
        return .string(scalar.string)
    }

    private static func problem(_ error: YamlError, path: String) -> FeedProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return FeedProblem(source: path, line: mark.line, message: problem)
        case .duplicatedKeysInMapping(let keys, let context):
            return FeedProblem(
                source: path, line: context.mark.line, key: keys.map { $0.description }.joined(separator: ", "),
                message: "stands here twice")
        default: return FeedProblem(source: path, message: "\(error)")
        }
    }
}
