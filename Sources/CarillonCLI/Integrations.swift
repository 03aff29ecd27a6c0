import ArgumentParser
import BusIntegration
package import CarillonDaemon
import ExecIntegration
import FilesIntegration
import FrappeIntegration
import KeijiIntegration
import MailIntegration
import RQIntegration
import SQLiteStore

/// The one list: a new system is a folder, a target in Package.swift, and a line here.
extension Composition {
    package static let carillon = Composition(
        integrations: [Exec.self, Files.self, RQ.self, Bus.self, Frappe.self, Keiji.self, Mail.self],
        stores: [SQLiteDriver.self])
}

extension Carillon {
    /// Commands that a system brings; what it imports stands under `Import`.
    static let systemCommands: [any ParsableCommand.Type] = [
        NotifyCommands.self, RQCommands.self, BusCommands.self, BTU.self,
    ]
}

extension Import {
    static let importers: [any ParsableCommand.Type] = [ImportCrontab.self, ImportBTU.self, ImportKeiji.self]
}
