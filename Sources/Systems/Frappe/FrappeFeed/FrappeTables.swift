/// What is asked of a Frappe site's database.
public protocol FrappeTables: Sendable {
    /// Reads every schedule, or those with these names, as one consistent snapshot; answers what `make` makes of each.
    func rows<Made: Sendable>(
        named names: [String]?, _ make: @escaping @Sendable (FrappeRow, FrappeZones) -> Made
    ) async throws -> [Made]

    /// Says when the rows with these names were last changed, as text; a row that is not there is missing.
    func modified(named names: [String]) async throws -> [String: String]

    /// Reads every task, in the order of their names.
    func tasks() async throws -> [FrappeTask]

    /// Throws when the database cannot be reached, or is none of a Frappe site.
    func check() async throws

    func close() async
}
