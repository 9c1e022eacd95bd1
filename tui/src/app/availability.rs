//! What can be done now, and why not.

use std::borrow::Cow;

use gputop_fleet::inspect::Subject;
use gputop_fleet::state::ProcessOwner;
use gputop_model::{ContainerInfo, PodInfo, PodKey};

use super::actions::Reason;
use super::layers::{Layer, Page, PageKind};
use super::row::Row;
use super::state::State;

type Available = Result<(), Reason>;

impl State {
    /// The page on top, if a page is on top.
    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        match self.layers.last() {
            Some(Layer::Page(page)) => Some(page),
            _ => None,
        }
    }

    /// The API object that the selected row stands for.
    pub(super) fn subject(&self) -> Result<Subject, Reason> {
        match self.selected() {
            None => Err("nothing is selected".into()),
            Some(Row::Node(at)) => Ok(Subject::Node(self.picture.nodes[at].info.name.clone())),
            Some(Row::Gap(at)) => Ok(Subject::Node(self.picture.gaps[at].node.clone())),
            Some(_) => self.pod().map(Subject::Pod),
        }
    }

    /// The pod that the selected row stands for: itself, the only holder of a device, the pod of a
    /// process.
    pub(super) fn pod(&self) -> Result<PodKey, Reason> {
        let key = |namespace: &str, pod: &str| PodKey {
            namespace: namespace.into(),
            name: pod.into(),
        };
        match self.selected() {
            None => Err("nothing is selected".into()),
            Some(Row::Node(_) | Row::Gap(_)) => Err("a node is no pod".into()),
            Some(Row::Workload(_)) => Err("a workload is no pod: choose one of its pods".into()),
            Some(Row::Pod(at)) => Ok(self.picture.pods[at].info.key.clone()),
            Some(Row::Share(at, holder)) => {
                let holders = self.picture.devices[at].allocated_to.as_deref();
                match holders.and_then(|holders| holders.get(holder)) {
                    Some(to) => Ok(key(&to.namespace, &to.pod)),
                    None => Err("no pod is known to hold this share".into()),
                }
            }
            Some(Row::Device(at)) => {
                let holders = self.picture.devices[at].allocated_to.as_deref();
                let Some([first, others @ ..]) = holders else {
                    return Err("no pod is known to hold this GPU".into());
                };
                if others
                    .iter()
                    .any(|to| (&to.namespace, &to.pod) != (&first.namespace, &first.pod))
                {
                    return Err("several pods hold this GPU: enter shows them".into());
                }
                Ok(key(&first.namespace, &first.pod))
            }
            Some(Row::Process(at)) => match &self.picture.processes[at].owner {
                ProcessOwner::Pod { namespace, pod, .. } => Ok(key(namespace, pod)),
                ProcessOwner::Outside(_) => Err("this process is outside the cluster".into()),
                _ => Err("the pod of this process is not known".into()),
            },
        }
    }

    /// What the API says of a pod.
    #[must_use]
    pub fn pod_info(&self, key: &PodKey) -> Option<&PodInfo> {
        let at = self
            .picture
            .pods
            .binary_search_by(|row| row.info.key.cmp(key))
            .ok()?;
        Some(&self.picture.pods[at].info)
    }

    /// The containers of a pod whose logs can be read.
    pub(super) fn containers(&self, key: &PodKey) -> &[ContainerInfo] {
        self.pod_info(key)
            .map_or(&[], |info| info.containers.as_slice())
    }

    pub(super) fn has_selection(&self) -> Available {
        match self.selected() {
            Some(_) => Ok(()),
            None => Err("nothing is selected".into()),
        }
    }

    pub(super) fn can_see_object(&self) -> Available {
        self.answered()?;
        self.subject().map(|_| ())
    }

    pub(super) fn can_see_events(&self) -> Available {
        self.can_see_object()?;
        allowed(self.rights.events, "you have no right to list events")
    }

    pub(super) fn can_see_logs(&self) -> Available {
        self.answered()?;
        self.pod()?;
        allowed(
            self.rights.logs,
            "you have no right to read logs (pods/log)",
        )
    }

    pub(super) fn can_open_shell(&self) -> Available {
        if self.session.read_only {
            return Err("read-only: shells are off".into());
        }
        if self.session.seed.is_none() && self.session.replay {
            return Err("a recording has no shells".into());
        }
        self.answered()?;
        let pod = self.pod()?;
        if self
            .pod_info(&pod)
            .is_some_and(|info| info.phase != gputop_model::Phase::Running)
        {
            return Err("the pod does not run".into());
        }
        allowed(
            self.rights.exec,
            "you have no right to open shells (pods/exec)",
        )
    }

    /// There is somebody to ask.
    fn answered(&self) -> Available {
        if self.session.replay {
            return Err("a recording can not be asked".into());
        }
        Ok(())
    }

    pub(super) fn has_columns_right(&self) -> Available {
        match (self.wide, self.layout.columns_after) {
            (false, _) => Err("ctrl-w asks for more columns".into()),
            (true, 0) => Err("no column is further right".into()),
            (true, _) => Ok(()),
        }
    }

    pub(super) fn has_columns_left(&self) -> Available {
        if self.place().shift == 0 || !self.wide {
            return Err("these are the first columns".into());
        }
        Ok(())
    }

    pub(super) fn can_unmark(&self) -> Available {
        if self.marks.is_empty() {
            return Err("nothing is marked".into());
        }
        Ok(())
    }

    pub(super) fn can_fold(&self) -> Available {
        if self.pod_tree {
            Ok(())
        } else {
            Err("pods are shown flat; t shows them by workload".into())
        }
    }

    pub(super) fn can_switch_namespaces(&self) -> Available {
        if self.namespace.is_some() || self.last_namespace.is_some() {
            Ok(())
        } else {
            Err("all namespaces are shown; n chooses one".into())
        }
    }

    pub(super) fn can_switch_context(&self) -> Available {
        match self.session.contexts.len() {
            _ if self.session.seed.is_some() => Err("the demo has only one cluster".into()),
            0 | 1 => Err("the kubeconfig has no other context".into()),
            _ => Ok(()),
        }
    }

    pub(super) fn can_seek(&self) -> Available {
        if self.session.replay {
            Ok(())
        } else {
            Err("only a recording can be wound (--replay FILE)".into())
        }
    }

    pub(super) fn has_alerts(&self) -> Available {
        if self.picture.alerts.is_empty() {
            return Err("nothing is wrong".into());
        }
        Ok(())
    }

    pub(super) fn has_more_help(&self) -> Available {
        if self.layout.help_overflow > 0 {
            Ok(())
        } else {
            Err("the whole page is shown".into())
        }
    }

    pub(super) fn has_search(&self) -> Available {
        match self.page() {
            Some(page) if !page.search.text.is_empty() => Ok(()),
            _ => Err("nothing is searched; / begins".into()),
        }
    }

    pub(super) fn is_log(&self) -> Available {
        match self.page() {
            Some(page) if page.kind == PageKind::Logs => Ok(()),
            _ => Err("this is no log".into()),
        }
    }

    pub(super) fn has_containers(&self) -> Available {
        self.is_log()?;
        match self.page().and_then(|page| page.subject.as_ref()) {
            Some(Subject::Pod(key)) if self.containers(key).len() > 1 => Ok(()),
            _ => Err("the pod has only one container".into()),
        }
    }

    pub(super) fn follow_label(&self) -> Cow<'static, str> {
        match self.page() {
            Some(page) if page.follow => "stay".into(),
            _ => "follow".into(),
        }
    }

    pub(super) fn previous_label(&self) -> Cow<'static, str> {
        match self.page() {
            Some(page) if page.previous => "this run".into(),
            _ => "run before".into(),
        }
    }
}

fn allowed(right: Option<bool>, denied: &'static str) -> Available {
    match right {
        Some(false) => Err(denied.into()),
        // Not known: the server will say.
        Some(true) | None => Ok(()),
    }
}
