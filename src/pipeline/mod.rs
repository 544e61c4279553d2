//! From arguments to reports: plan the units, run them in parallel, merge, judge.

mod assemble;
mod explain;
mod formats;
mod inputs;
mod lines;
mod log_inputs;
mod names;
mod read;
mod records;
mod sites;
mod watch;
mod wireshark;

use std::num::NonZeroUsize;
use std::sync::Arc;

use self::read::{Read, read_all};
use crate::catalog::{Catalog, CatalogError, Matcher, Profile};
use crate::evidence::{Evidence, Limits};
use crate::input::Stop;
use crate::logs::read::LogOptions;
use crate::report::{CatalogReport, Report, ServiceTagsReport};
use crate::service_tags::{InboundTags, ServiceTags};
use crate::trust::TrustStore;

pub use self::explain::{explain, explain_sites};
pub use self::formats::{explain_detection, formats};
pub use self::names::names;
pub use self::records::records;
pub use self::sites::{Site, audit_sites};
pub use self::watch::{Watched, watch};

/// What is required: a catalog, the part of it that applies, and who may answer for it.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// The catalog.
    pub catalog: Catalog,
    /// The clouds and scenarios.
    pub profile: Profile,
    /// The addresses of the catalog's service tags; without them what must be let in is not judged.
    pub service_tags: Option<ServiceTags>,
    /// Whose certificates are taken for those of the services.
    pub trust: TrustStore,
}

/// How to run, beyond what to read and what to require.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Worker threads; as many as the machine has cores when not given. The report does not
    /// depend on it.
    pub threads: Option<NonZeroUsize>,
    /// How to read logs.
    pub logs: LogOptions,
    /// Ends the reading when asked; the result is that of what was read so far.
    pub stop: Option<Stop>,
}

/// Is told how far the reading has come. Calls come from any thread and should return at once.
pub trait Progress: Sync {
    /// So many more bytes are to be read; called for each input whose size is known.
    fn total(&self, bytes: u64);

    /// So many more bytes were read.
    fn advance(&self, bytes: u64);
}

/// Why a run cannot go on. What is wrong with one input stands in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The catalog cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The worker threads could not be started.
    #[error("the worker threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A service tag, and no file tells its addresses.
    #[error(
        "{0} is known by its addresses alone; give Azure's service-tag file by --service-tags FILE"
    )]
    NoServiceTags(String),
    /// A service tag that the file lists no addresses of.
    #[error("the service-tag file lists no addresses of {0}")]
    NoAddresses(String),
    /// Neither an endpoint nor a name.
    #[error(
        "{0:?} is neither an endpoint of the catalog nor a server name; `egress-audit catalog show` lists the endpoints"
    )]
    NoTarget(String),
}

/// Judges every required endpoint by the inputs, which are all of one site.
///
/// Inputs that cannot be read stand in the report with their error.
///
/// # Errors
///
/// The catalog is too large for an automaton, or the system gives no threads.
pub fn audit(
    inputs: &[String],
    requirement: &Requirement,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let site = Site { name: None, inputs: inputs.to_vec() };
    audit_sites(&[site], requirement, options, progress)
}

/// The threads that the options ask for.
fn threads(options: &Options) -> Result<rayon::ThreadPool, Error> {
    let threads = options.threads.map_or(0, NonZeroUsize::get);
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// What evidence is collected about, and how much of it.
struct About<'a> {
    matcher: &'a Arc<Matcher>,
    inbound: Option<&'a Arc<InboundTags>>,
    limits: Limits,
}

/// Attempts of logs without a name that are kept when the inputs cannot be read again.
const UNNAMED_OF_A_STREAM: usize = 50_000;

/// Attempts without a name that are kept when only those matter that a name was found for.
const UNNAMED_AT_KNOWN_SERVERS: usize = 300_000;

/// Reads all inputs. When more attempts without a name were seen than can be kept, the inputs are
/// read again for those at addresses that names were found for, so that none of these is lost;
/// the standard input cannot be, and after a stop nothing is.
fn read_evidence(
    inputs: &[String],
    about: &About<'_>,
    options: &Options,
    progress: &dyn Progress,
) -> Read<Evidence> {
    let About { matcher, inbound, limits } = *about;
    let can_repeat = !inputs.iter().any(|input| input == "-");
    let unnamed_of_logs = if can_repeat { limits.unnamed_of_logs } else { UNNAMED_OF_A_STREAM };
    let limits = Limits { unnamed_of_logs, reads_again: can_repeat, ..limits };
    let new_sink = || Evidence::new(Arc::clone(matcher), limits).with_inbound(inbound.cloned());
    let read = read_all(inputs, options, new_sink, progress);
    let is_stopped = options.stop.as_ref().is_some_and(Stop::is_asked);
    if !can_repeat || is_stopped || !read.sink.has_given_up() {
        return read;
    }
    let servers = Arc::new(read.sink.servers());
    if servers.is_empty() && inbound.is_none() {
        return Read { sink: read.sink.without_unnamed(), ..read };
    }
    drop(read);
    let limits = Limits {
        unnamed: UNNAMED_AT_KNOWN_SERVERS,
        unnamed_of_logs: UNNAMED_AT_KNOWN_SERVERS,
        reads_again: false,
        ..limits
    };
    let new_sink = || {
        let evidence = Evidence::of_servers(Arc::clone(matcher), limits, Arc::clone(&servers));
        evidence.with_inbound(inbound.cloned())
    };
    read_all(inputs, options, new_sink, progress)
}

fn catalog_report(requirement: &Requirement, inbound: Option<&InboundTags>) -> CatalogReport {
    let Requirement { catalog, profile, service_tags, .. } = requirement;
    CatalogReport {
        name: catalog.name().to_owned(),
        edition: catalog.edition().to_owned(),
        sha256: catalog.sha256().to_owned(),
        clouds: profile.clouds.iter().map(|cloud| cloud.to_string()).collect(),
        scenarios: profile.scenarios.iter().map(|scenario| scenario.to_string()).collect(),
        newer_edition: catalog.newer_edition().map(str::to_owned),
        service_tags: service_tags.as_ref().map(|tags| ServiceTagsReport {
            cloud: tags.cloud().to_owned(),
            change_number: tags.change_number().to_owned(),
            sha256: tags.sha256().to_owned(),
            missing: inbound.map_or_else(Vec::new, |inbound| inbound.missing().to_vec()),
        }),
    }
}
